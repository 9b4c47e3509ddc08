/// The parameters of one execution in their binary form, all in one buffer that is used again.
struct ParameterBuffer {
  /// Beyond this a buffer is not kept for the next execution.
  private static let keptBytes = 4 << 20
  /// A length is 32 bits with a sign.
  static let limit = Int(Int32.max)

  private(set) var bytes: [UInt8] = []
  /// Numbers of types; 0 where the server is to infer it.
  private(set) var types: [UInt32] = []
  /// Where each begins.
  private(set) var offsets: [Int] = []
  /// Of each; -1 for NULL.
  private(set) var lengths: [Int] = []

  var count: Int { types.count }

  mutating func removeAll() {
    if bytes.capacity > Self.keptBytes { bytes = [] } else { bytes.removeAll(keepingCapacity: true) }
    types.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
  }

  mutating func append<Value: PostgresValue>(_ value: Value) {
    let start = bytes.count
    value.appendBinary(to: &bytes)
    note(Value.type.rawValue, start, bytes.count - start)
  }

  mutating func appendNull(_ type: UInt32) { note(type, bytes.count, -1) }

  mutating func append(raw source: UnsafeRawBufferPointer) {
    let start = bytes.count
    unsafe bytes.append(contentsOf: source)
    note(PostgresType.bytea.rawValue, start, source.count)
  }

  /// An array with an element of each source, nil for NULL.
  mutating func append<Sources: Collection, Value: PostgresValue>(
    each sources: Sources, _ value: (Sources.Element) -> Value?
  ) {
    let start = bytes.count
    let count = sources.count
    bytes.append(bigEndian: Int32(count == 0 ? 0 : 1))  // dimensions
    let flag = bytes.count
    bytes.append(bigEndian: Int32(0))  // whether there is a NULL, known only at the end
    bytes.append(bigEndian: Value.type.rawValue)
    if count > 0 {
      bytes.append(bigEndian: Int32(clamping: count))
      bytes.append(bigEndian: Int32(1))  // the lowest index
    }
    for source in sources {
      guard let value = value(source) else {
        bytes.append(bigEndian: Int32(-1))
        bytes[flag + 3] = 1
        continue
      }
      let place = bytes.count
      bytes.append(bigEndian: Int32(0))
      value.appendBinary(to: &bytes)
      writeLength(bytes.count - place - 4, at: place)
    }
    note(Value.type.array, start, bytes.count - start)
  }

  private mutating func note(_ type: UInt32, _ offset: Int, _ length: Int) {
    types.append(type)
    offsets.append(offset)
    lengths.append(length)
  }

  /// A length too large for its place belongs to a parameter that is refused before it is sent.
  private mutating func writeLength(_ length: Int, at place: Int) {
    let length = UInt32(truncatingIfNeeded: length)
    bytes[place] = UInt8(truncatingIfNeeded: length >> 24)
    bytes[place + 1] = UInt8(truncatingIfNeeded: length >> 16)
    bytes[place + 2] = UInt8(truncatingIfNeeded: length >> 8)
    bytes[place + 3] = UInt8(truncatingIfNeeded: length)
  }
}
