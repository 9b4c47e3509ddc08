public import BatchCore

/// Makes the message that puts a request which failed for good with the dead letters, as its publisher sent it.
public struct DeadLetterEncoder: Sendable {
  private let exchange: String
  private let limits: MessageLimits

  public init(exchange: String, limits: MessageLimits) {
    self.exchange = exchange
    self.limits = limits
  }

  /// - Parameters:
  ///   - original: the properties as they were delivered.
  ///   - isDecompressed: whether the body is kept without the original's content encoding, which then moves to
  ///     `x-original-content_encoding`.
  public func encode(
    original: MessageProperties, body: [UInt8], isDecompressed: Bool, routingKey: [UInt8], failure: Failure,
    attempts: Int
  ) -> OutboundMessage {
    var properties = MessageProperties()
    properties.deliveryMode = 2
    properties.contentType = short(original.contentType)
    properties.contentEncoding = isDecompressed ? nil : short(original.contentEncoding)
    properties.correlationID = short(original.correlationID)
    properties.messageID = short(original.messageID)
    properties.replyTo = short(original.replyTo)
    properties.timestamp = original.timestamp
    properties.type = short(original.type)
    properties.appID = short(original.appID)
    let headers = headers(original, isDecompressed, failure, attempts)
    properties.headers = HeaderBudget(maximumBytes: limits.maximumHeaderBytes).fit(headers, required: Self.required)
    return OutboundMessage(
      exchange: exchange, routingKey: Array(routingKey.prefix(MessageLimits.maximumIDBytes)),
      properties: properties, body: body)
  }

  private static let originalPrefix = "x-original-"
  private static let required: Set<String> = ["x-error-code", "x-error-message", "x-attempts"]

  private func headers(
    _ original: MessageProperties, _ isDecompressed: Bool, _ failure: Failure, _ attempts: Int
  ) -> FieldTable {
    var table = FieldTable()
    for entry in original.headers?.entries ?? [] {
      // Ours of an earlier round would be read as those of this one.
      if Self.required.contains(String(decoding: entry.key, as: UTF8.self)) { continue }
      var entry = entry
      if Self.isActedUpon(entry.key) { entry.key = Array(Self.originalPrefix.utf8) + entry.key }
      table.entries.append(entry)
    }
    // As properties the broker would refuse, delete or unpack them.
    let moved = [
      ("user_id", original.userID), ("expiration", original.expiration),
      ("content_encoding", isDecompressed ? original.contentEncoding : nil),
    ]
    for (name, value) in moved {
      guard let value else { continue }
      table[Self.originalPrefix + name] = .string(value)
    }
    table["x-error-code"] = .string(failure.code.rawValue)
    table["x-error-message"] = MessageLimits.headerText(failure.message)
    table["x-attempts"] = .int64(Int64(clamping: attempts))
    return table
  }

  /// Headers that a broker obeys or counts on.
  private static func isActedUpon(_ name: [UInt8]) -> Bool {
    name.elementsEqual("CC".utf8) || name.elementsEqual("BCC".utf8) || BrokerHeaders.contains(name)
  }

  private func short(_ value: [UInt8]?) -> [UInt8]? {
    value.flatMap { $0.count <= MessageLimits.maximumIDBytes ? $0 : nil }
  }
}
