import BatchCore
import Wire

/// A request in a few words.
struct Message {
  var text = "hello"
  var model = "gpt-4o-mini"
  var correlation: String?
  /// Without one, and without a key, a fingerprint is all there is.
  var messageID: String?
  var key: String?
  var lane: String?
  /// From `timestamp`, or else from the receipt.
  var deadlineMilliseconds: Int64?
  var timestamp: UInt64?
  var replyTo: String?
  var type: String?
  var deliveryCount: Int64?
  var body: String?

  /// One with a correlation ID and a message id of that name.
  init(_ name: String, _ change: (inout Message) -> Void = { _ in }) {
    text = name
    correlation = name
    messageID = "message-\(name)"
    change(&self)
  }

  static func cancel(_ correlation: String) -> Message { Message(correlation) { $0.type = "llm.cancel" } }

  var delivery: Delivery {
    var properties = MessageProperties()
    properties.correlationID = correlation.map { Array($0.utf8) }
    properties.messageID = messageID.map { Array($0.utf8) }
    properties.replyTo = replyTo.map { Array($0.utf8) }
    properties.timestamp = timestamp
    properties.type = type.map { Array($0.utf8) }
    var headers = FieldTable()
    if let key { headers["x-idempotency-key"] = .string(key) }
    if let lane { headers["x-lane"] = .string(lane) }
    if let deadlineMilliseconds { headers["x-deadline-ms"] = .int64(deadlineMilliseconds) }
    if let deliveryCount { headers["x-delivery-count"] = .int64(deliveryCount) }
    if !headers.isEmpty { properties.headers = headers }
    let chat = #"{"model":"\#(model)","messages":[{"role":"user","content":"\#(text)"}]}"#
    return Delivery(
      token: DeliveryToken(generation: 0, tag: 0), exchange: Array("llm.requests".utf8),
      routingKey: Array("deferred.test".utf8), redelivered: false, properties: properties,
      body: Array((body ?? chat).utf8))
  }
}

/// A reply as its reader sees it.
struct Reply {
  var exchange: String
  var correlation: String
  var messageID: String
  var summary: ReplySummary
  /// What the body says of us.
  var own: JSONSlice?

  var code: String? { summary.errorCode }

  init(_ message: OutboundMessage) throws {
    exchange = message.exchange
    correlation = String(decoding: message.properties.correlationID ?? [], as: UTF8.self)
    messageID = String(decoding: message.properties.messageID ?? [], as: UTF8.self)
    summary = try ReplyDecoder.decode(message.body)
    own = try JSONSlice.parse(message.body)["millrace"]
  }
}
