internal import BatchCore

/// Reads typed values out of a header table, and keeps the first complaint.
struct HeaderReader {
  let options: DecodingOptions
  private(set) var failure: Failure?

  static let maximumTextBytes = 255

  init(options: DecodingOptions) {
    self.options = options
  }

  mutating func fail(_ code: FailureCode, _ message: @autoclosure () -> String) {
    if failure == nil { failure = Failure(code, message()) }
  }

  mutating func refuse(_ name: String, _ value: FieldValue, allowed: String) {
    fail(.invalidHeader, "\(name): got \(Self.describe(value)), allowed is \(allowed)")
  }

  /// A string of at most 255 bytes; an empty one counts as absent.
  mutating func text(_ name: String, _ value: FieldValue) -> String? {
    guard let text = value.text, text.utf8.count <= Self.maximumTextBytes else {
      refuse(name, value, allowed: "a UTF-8 string of at most \(Self.maximumTextBytes) bytes")
      return nil
    }
    return text.isEmpty ? nil : text
  }

  /// A string of at most 255 bytes that a report can show as it is: costs and budgets are kept by it.
  mutating func tag(_ name: String, _ value: FieldValue) -> String? {
    guard let text = text(name, value) else { return nil }
    if text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
      refuse(name, value, allowed: "a string without control characters")
      return nil
    }
    return text
  }

  /// A string of any length.
  mutating func longText(_ name: String, _ value: FieldValue) -> String? {
    guard let text = value.text else {
      refuse(name, value, allowed: "a UTF-8 string")
      return nil
    }
    return text.isEmpty ? nil : text
  }

  mutating func key(_ name: String, _ value: FieldValue) -> String? {
    guard let text = value.text, (1...Self.maximumTextBytes).contains(text.utf8.count) else {
      refuse(name, value, allowed: "a UTF-8 string of 1 to \(Self.maximumTextBytes) bytes")
      return nil
    }
    return text
  }

  mutating func flag(_ name: String, _ value: FieldValue) -> Bool {
    if case .bool(let flag) = value { return flag }
    switch value.text {
    case "true": return true
    // Tools that can only send strings are common.
    case "false": return false
    default:
      refuse(name, value, allowed: "a boolean")
      return false
    }
  }

  mutating func lane(_ name: String, _ value: FieldValue) -> LaneChoice? {
    if let choice = value.text.flatMap(LaneChoice.init(rawValue:)) { return choice }
    refuse(name, value, allowed: "interactive, deferred or auto")
    return nil
  }

  mutating func format(_ name: String, _ value: FieldValue) -> BodyFormat? {
    if let format = value.text.flatMap(BodyFormat.init(rawValue:)) { return format }
    refuse(name, value, allowed: "native or openai")
    return nil
  }

  mutating func moment(_ name: String, _ value: FieldValue) -> Timestamp? {
    if case .timestamp(let seconds) = value { return Timestamp(unixSeconds: seconds) }
    if let moment = value.text.flatMap(RFC3339.parse) { return moment }
    refuse(name, value, allowed: "an RFC 3339 string with an offset (2026-01-31T12:00:00Z) or an AMQP timestamp")
    return nil
  }

  mutating func milliseconds(_ name: String, _ value: FieldValue) -> Duration? {
    if let number = value.integer ?? value.text.flatMap(Self.decimal), number >= 0 { return .milliseconds(number) }
    if case .uint64 = value { return .milliseconds(Int64.max) }
    refuse(name, value, allowed: "an integer or a decimal string of milliseconds, not negative")
    return nil
  }

  mutating func callbackURL(_ name: String, _ value: FieldValue) -> String? {
    if let url = value.text, CallbackURL.isAllowed(url) { return url }
    // Not quoted, since such a URL may hold a secret.
    fail(.invalidHeader, "\(name): allowed is \(CallbackURL.allowed)")
    return nil
  }

  mutating func uuid(_ name: String, _ value: FieldValue) -> String? {
    if let text = value.text, Self.isUUID(text) { return text.lowercased() }
    refuse(name, value, allowed: "a UUID (8-4-4-4-12 hexadecimal digits)")
    return nil
  }

  /// Digits only: what `Int64.init` takes besides, such as a sign, is no decimal string of milliseconds.
  private static func decimal(_ text: String) -> Int64? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int64(text) ?? .max
  }

  private static func isUUID(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard bytes.count == 36 else { return false }
    return bytes.indices.allSatisfy { index in
      [8, 13, 18, 23].contains(index) ? bytes[index] == UInt8(ascii: "-") : Hexadecimal.value(bytes[index]) != nil
    }
  }

  /// What came, in words. Strings are cut; bytes and containers are only named.
  static func describe(_ value: FieldValue) -> String {
    switch value {
    case .bool(let flag): return "boolean \(flag)"
    case .int8, .uint8, .int16, .uint16, .int32, .uint32, .int64, .uint64:
      return value.integer.map { "integer \($0)" } ?? "an integer above 9223372036854775807"
    case .float(let number): return "float \(number)"
    case .double(let number): return "double \(number)"
    case .decimal: return "a decimal"
    case .string(let bytes), .bytes(let bytes):
      guard let text = value.text else { return "a string that is not UTF-8" }
      if bytes.isEmpty { return "an empty string" }
      if bytes.count > maximumTextBytes { return "a string of \(bytes.count) bytes" }
      return "string \(quoted(text))"
    case .array: return "an array"
    case .timestamp(let seconds): return "timestamp \(seconds)"
    case .table: return "a table"
    case .void: return "no value"
    }
  }
}

extension Timestamp {
  /// Saturates, since AMQP has 64 bits for the seconds.
  init(unixSeconds: UInt64) {
    self.init(milliseconds: 0)
    self = self + .seconds(Int64(clamping: unixSeconds))
  }
}
