/// Writes what `PropertiesReader` reads.
struct PropertiesWriter {
  private(set) var bytes: [UInt8] = []
  /// Whether table entries are sorted by their bytes, so that tables with the same entries give the same bytes.
  var sortsTables = false

  mutating func byte(_ value: UInt8) { bytes.append(value) }

  mutating func length(_ value: Int) {
    var rest = UInt64(value)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func string(_ value: some Collection<UInt8>) {
    length(value.count)
    bytes.append(contentsOf: value)
  }

  mutating func integer(_ value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func properties(_ properties: MessageProperties) {
    let start = bytes.count
    var flags: PropertyFlags = []
    integer(flags.rawValue)
    optional(properties.contentType, .contentType, &flags) { $0.string($1) }
    optional(properties.contentEncoding, .contentEncoding, &flags) { $0.string($1) }
    optional(properties.headers, .headers, &flags) { $0.table($1) }
    optional(properties.deliveryMode, .deliveryMode, &flags) { $0.byte($1) }
    optional(properties.priority, .priority, &flags) { $0.byte($1) }
    optional(properties.correlationID, .correlationID, &flags) { $0.string($1) }
    optional(properties.replyTo, .replyTo, &flags) { $0.string($1) }
    optional(properties.expiration, .expiration, &flags) { $0.string($1) }
    optional(properties.messageID, .messageID, &flags) { $0.string($1) }
    optional(properties.timestamp, .timestamp, &flags) { $0.integer($1) }
    optional(properties.type, .type, &flags) { $0.string($1) }
    optional(properties.userID, .userID, &flags) { $0.string($1) }
    optional(properties.appID, .appID, &flags) { $0.string($1) }
    optional(properties.clusterID, .clusterID, &flags) { $0.string($1) }
    bytes[start] = UInt8(flags.rawValue >> 8)
    bytes[start + 1] = UInt8(flags.rawValue & 0xFF)
  }

  private mutating func optional<Value>(
    _ value: Value?, _ flag: PropertyFlags, _ flags: inout PropertyFlags, write: (inout Self, Value) -> Void
  ) {
    guard let value else { return }
    flags.insert(flag)
    write(&self, value)
  }

  mutating func table(_ table: FieldTable) {
    length(table.entries.count)
    guard sortsTables else {
      for entry in table.entries { self.entry(entry) }
      return
    }
    var encoded: [[UInt8]] = []
    for entry in table.entries {
      var writer = PropertiesWriter()
      writer.sortsTables = true
      writer.entry(entry)
      encoded.append(writer.bytes)
    }
    encoded.sort { $0.lexicographicallyPrecedes($1) }
    for entry in encoded { bytes.append(contentsOf: entry) }
  }

  private mutating func entry(_ entry: FieldTable.Entry) {
    string(entry.key)
    value(entry.value)
  }

  /// Tags are AMQP's own letters.
  private mutating func value(_ value: FieldValue) {
    switch value {
    case .bool(let flag): tag("t") { $0.byte(flag ? 1 : 0) }
    case .int8(let number): tag("b") { $0.integer(number) }
    case .uint8(let number): tag("B") { $0.integer(number) }
    case .int16(let number): tag("s") { $0.integer(number) }
    case .uint16(let number): tag("u") { $0.integer(number) }
    case .int32(let number): tag("I") { $0.integer(number) }
    case .uint32(let number): tag("i") { $0.integer(number) }
    case .int64(let number): tag("l") { $0.integer(number) }
    case .uint64(let number): tag("L") { $0.integer(number) }
    case .float(let number): tag("f") { $0.integer(number.bitPattern) }
    case .double(let number): tag("d") { $0.integer(number.bitPattern) }
    case .decimal(let scale, let number):
      tag("D") {
        $0.byte(scale)
        $0.integer(number)
      }
    case .string(let text): tag("S") { $0.string(text) }
    case .bytes(let content): tag("x") { $0.string(content) }
    case .array(let elements):
      tag("A") {
        $0.length(elements.count)
        for element in elements { $0.value(element) }
      }
    case .timestamp(let seconds): tag("T") { $0.integer(seconds) }
    case .table(let content): tag("F") { $0.table(content) }
    case .void: tag("V") { _ in }
    }
  }

  private mutating func tag(_ tag: Unicode.Scalar, _ write: (inout Self) -> Void) {
    byte(UInt8(ascii: tag))
    write(&self)
  }
}
