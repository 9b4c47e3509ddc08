import Wire

/// A value that AMQP 0-9-1 cannot carry. The text names it and the limit.
struct FieldError: Error, Hashable {
  var text: String
}

/// Writes AMQP fields in network byte order.
struct FieldWriter {
  /// Tables and arrays nested deeper are neither written nor kept when read: no sane sender needs them, and recursion
  /// must end somewhere.
  static let deepestNesting = 64

  private var bytes: [UInt8]

  init(_ bytes: consuming [UInt8] = []) {
    self.bytes = bytes
  }

  var count: Int { bytes.count }

  consuming func finish() -> [UInt8] { bytes }

  mutating func uint8(_ value: UInt8) { bytes.append(value) }

  mutating func bits(_ bits: Bool...) {
    var octet: UInt8 = 0
    for (index, bit) in bits.enumerated() where bit { octet |= 1 << UInt8(index) }
    bytes.append(octet)
  }

  mutating func uint16(_ value: UInt16) {
    bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    bytes.append(UInt8(truncatingIfNeeded: value))
  }

  mutating func uint32(_ value: UInt32) {
    uint16(UInt16(truncatingIfNeeded: value >> 16))
    uint16(UInt16(truncatingIfNeeded: value))
  }

  mutating func uint64(_ value: UInt64) {
    uint32(UInt32(truncatingIfNeeded: value >> 32))
    uint32(UInt32(truncatingIfNeeded: value))
  }

  mutating func patchUInt32(_ value: Int, at index: Int) {
    let value = UInt32(truncatingIfNeeded: value)
    for byte in 0..<4 { bytes[index + byte] = UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * byte)) }
  }

  mutating func raw(_ more: some Collection<UInt8>) { bytes.append(contentsOf: more) }

  mutating func shortString(_ text: some Collection<UInt8>, _ name: @autoclosure () -> String) throws(FieldError) {
    let count = text.count
    guard count <= 255 else {
      throw FieldError(text: "\(name()) has \(count) bytes; AMQP allows 255")
    }
    bytes.append(UInt8(count))
    bytes.append(contentsOf: text)
  }

  mutating func longString(_ text: [UInt8]) {
    uint32(UInt32(truncatingIfNeeded: text.count))
    bytes.append(contentsOf: text)
  }

  mutating func table(_ table: FieldTable, depth: Int = 0) throws(FieldError) {
    guard depth <= Self.deepestNesting else { throw Self.tooDeep }
    let start = bytes.count
    uint32(0)
    for entry in table.entries {
      try shortString(entry.key, "the name of a header")
      try value(entry.value, depth: depth)
    }
    patchUInt32(bytes.count - start - 4, at: start)
  }

  private static var tooDeep: FieldError {
    FieldError(text: "headers are nested more than \(deepestNesting) levels deep")
  }

  private mutating func value(_ value: FieldValue, depth: Int) throws(FieldError) {
    switch value {
    case .bool(let bool):
      kind("t")
      uint8(bool ? 1 : 0)
    case .int8(let number):
      kind("b")
      uint8(UInt8(bitPattern: number))
    case .uint8(let number):
      kind("B")
      uint8(number)
    case .int16(let number):
      kind("s")
      uint16(UInt16(bitPattern: number))
    case .uint16(let number):
      kind("u")
      uint16(number)
    case .int32(let number):
      kind("I")
      uint32(UInt32(bitPattern: number))
    case .uint32(let number):
      kind("i")
      uint32(number)
    case .int64(let number):
      kind("l")
      uint64(UInt64(bitPattern: number))
    case .uint64(let number):
      kind("L")
      uint64(number)
    case .float(let number):
      kind("f")
      uint32(number.bitPattern)
    case .double(let number):
      kind("d")
      uint64(number.bitPattern)
    case .decimal(let scale, let number):
      kind("D")
      uint8(scale)
      uint32(number)
    case .string(let text):
      kind("S")
      longString(text)
    case .bytes(let data):
      kind("x")
      longString(data)
    case .timestamp(let seconds):
      kind("T")
      uint64(seconds)
    case .void: kind("V")
    case .table(let inner):
      kind("F")
      try table(inner, depth: depth + 1)
    case .array(let elements):
      guard depth < Self.deepestNesting else { throw Self.tooDeep }
      kind("A")
      let start = bytes.count
      uint32(0)
      for element in elements { try self.value(element, depth: depth + 1) }
      patchUInt32(bytes.count - start - 4, at: start)
    }
  }

  private mutating func kind(_ letter: Unicode.Scalar) { uint8(UInt8(ascii: letter)) }
}
