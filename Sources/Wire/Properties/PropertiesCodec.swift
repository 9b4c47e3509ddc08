/// Message properties as compact bytes for the ledger, without loss: exact types, order and duplicates of headers.
///
/// Version byte, presence bits, then each property that is present. Lengths and counts are base 128, low groups first;
/// numbers are big-endian.
public enum PropertiesCodec {
  static let version: UInt8 = 1
  /// Nesting of tables and arrays that `decode` follows, so that damaged bytes cannot exhaust the stack.
  public static let maximumDepth = 128

  public static func encode(_ properties: MessageProperties) -> [UInt8] {
    var writer = PropertiesWriter()
    writer.byte(version)
    writer.properties(properties)
    return writer.bytes
  }

  public static func decode(_ bytes: [UInt8]) throws(PropertiesCodecError) -> MessageProperties {
    var reader = PropertiesReader(bytes: bytes)
    let found = try reader.byte()
    guard found == version else { throw .unknownVersion(found) }
    let properties = try reader.properties()
    guard reader.isAtEnd else { throw reader.malformed }
    return properties
  }
}

/// Presence bits, in the order of the fields.
struct PropertyFlags: OptionSet {
  let rawValue: UInt16

  static let contentType = PropertyFlags(rawValue: 1 << 0)
  static let contentEncoding = PropertyFlags(rawValue: 1 << 1)
  static let headers = PropertyFlags(rawValue: 1 << 2)
  static let deliveryMode = PropertyFlags(rawValue: 1 << 3)
  static let priority = PropertyFlags(rawValue: 1 << 4)
  static let correlationID = PropertyFlags(rawValue: 1 << 5)
  static let replyTo = PropertyFlags(rawValue: 1 << 6)
  static let expiration = PropertyFlags(rawValue: 1 << 7)
  static let messageID = PropertyFlags(rawValue: 1 << 8)
  static let timestamp = PropertyFlags(rawValue: 1 << 9)
  static let type = PropertyFlags(rawValue: 1 << 10)
  static let userID = PropertyFlags(rawValue: 1 << 11)
  static let appID = PropertyFlags(rawValue: 1 << 12)
  static let clusterID = PropertyFlags(rawValue: 1 << 13)
  static let known = PropertyFlags(rawValue: 1 << 14 - 1)
}
