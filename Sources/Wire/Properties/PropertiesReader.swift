/// Reads what `PropertiesWriter` wrote; anything else is an error, never a trap.
struct PropertiesReader {
  private let bytes: [UInt8]
  private var offset = 0

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  var isAtEnd: Bool { offset == bytes.count }
  var malformed: PropertiesCodecError { .malformed(offset: offset) }

  mutating func byte() throws(PropertiesCodecError) -> UInt8 {
    guard offset < bytes.count else { throw malformed }
    offset += 1
    return bytes[offset - 1]
  }

  mutating func length() throws(PropertiesCodecError) -> Int {
    var value: UInt64 = 0
    for shift in stride(from: 0, to: 63, by: 7) {
      let byte = try byte()
      value |= UInt64(byte & 0x7F) << UInt64(shift)
      if byte < 0x80 {
        // Whatever is counted takes at least a byte each, so a larger number is damage, not a reason to allocate.
        guard value <= UInt64(bytes.count - offset) else { throw malformed }
        return Int(value)
      }
    }
    throw malformed
  }

  mutating func string() throws(PropertiesCodecError) -> [UInt8] {
    let length = try length()
    offset += length
    return Array(bytes[offset - length..<offset])
  }

  mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(PropertiesCodecError) -> Value
  {
    var value: UInt64 = 0
    for _ in 0..<Value.bitWidth / 8 { value = value << 8 | UInt64(try byte()) }
    return Value(truncatingIfNeeded: value)
  }

  mutating func properties() throws(PropertiesCodecError) -> MessageProperties {
    let flags = PropertyFlags(rawValue: try integer())
    guard flags.isSubset(of: .known) else { throw malformed }
    var properties = MessageProperties()
    if flags.contains(.contentType) { properties.contentType = try string() }
    if flags.contains(.contentEncoding) { properties.contentEncoding = try string() }
    if flags.contains(.headers) { properties.headers = try table(depth: 1) }
    if flags.contains(.deliveryMode) { properties.deliveryMode = try byte() }
    if flags.contains(.priority) { properties.priority = try byte() }
    if flags.contains(.correlationID) { properties.correlationID = try string() }
    if flags.contains(.replyTo) { properties.replyTo = try string() }
    if flags.contains(.expiration) { properties.expiration = try string() }
    if flags.contains(.messageID) { properties.messageID = try string() }
    if flags.contains(.timestamp) { properties.timestamp = try integer() }
    if flags.contains(.type) { properties.type = try string() }
    if flags.contains(.userID) { properties.userID = try string() }
    if flags.contains(.appID) { properties.appID = try string() }
    if flags.contains(.clusterID) { properties.clusterID = try string() }
    return properties
  }

  private mutating func table(depth: Int) throws(PropertiesCodecError) -> FieldTable {
    guard depth <= PropertiesCodec.maximumDepth else { throw .tooDeep }
    var table = FieldTable()
    for _ in 0..<(try length()) {
      let key = try string()
      table.entries.append(FieldTable.Entry(key: key, value: try value(depth: depth)))
    }
    return table
  }

  private mutating func array(depth: Int) throws(PropertiesCodecError) -> [FieldValue] {
    guard depth <= PropertiesCodec.maximumDepth else { throw .tooDeep }
    var elements: [FieldValue] = []
    for _ in 0..<(try length()) { elements.append(try value(depth: depth)) }
    return elements
  }

  private mutating func value(depth: Int) throws(PropertiesCodecError) -> FieldValue {
    switch Unicode.Scalar(try byte()) {
    case "t":
      let flag = try byte()
      guard flag <= 1 else { throw malformed }
      return .bool(flag == 1)
    case "b": return .int8(try integer())
    case "B": return .uint8(try integer())
    case "s": return .int16(try integer())
    case "u": return .uint16(try integer())
    case "I": return .int32(try integer())
    case "i": return .uint32(try integer())
    case "l": return .int64(try integer())
    case "L": return .uint64(try integer())
    case "f": return .float(Float(bitPattern: try integer()))
    case "d": return .double(Double(bitPattern: try integer()))
    case "D":
      let scale = try byte()
      return .decimal(scale: scale, value: try integer())
    case "S": return .string(try string())
    case "x": return .bytes(try string())
    case "A": return .array(try array(depth: depth + 1))
    case "T": return .timestamp(try integer())
    case "F": return .table(try table(depth: depth + 1))
    case "V": return .void
    default: throw malformed
    }
  }
}
