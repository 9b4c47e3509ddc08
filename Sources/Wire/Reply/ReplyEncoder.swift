internal import BatchCore

/// Makes the message that carries a result back. Whatever its content, the message is one that the broker takes.
public struct ReplyEncoder: Sendable {
  private let resultsExchange: String
  private let limits: MessageLimits
  private let traceIDHeader: String

  public init(resultsExchange: String, limits: MessageLimits, traceIDHeader: String = "x-batch-trace-id") {
    self.resultsExchange = resultsExchange
    self.limits = limits
    self.traceIDHeader = traceIDHeader
  }

  public func encode(_ content: ReplyContent) -> OutboundMessage {
    let usable = CorrelationID.usable(content.correlationID)
    let correlationID = usable ?? Array(content.ledgerID.text.utf8)
    let replaced = usable == nil && !content.correlationID.isEmpty ? content.correlationID : nil
    let (body, outcome) = measuredBody(content, correlationID: correlationID, replaced: replaced)

    var properties = MessageProperties()
    properties.contentType = Array("application/json".utf8)
    properties.deliveryMode = 2
    properties.correlationID = correlationID
    properties.messageID = Array(content.ledgerID.text.utf8)
    properties.type = Array("llm.result".utf8)
    properties.headers = headers(content, outcome, isGenerated: content.correlationGenerated || usable == nil)

    if let queue = content.replyTo, (1...MessageLimits.maximumIDBytes).contains(queue.count) {
      // For direct replies the broker returns mandatory messages even when it delivers them.
      let isDirect = queue.starts(with: "amq.rabbitmq.reply-to.".utf8)
      return OutboundMessage(
        exchange: "", routingKey: queue, mandatory: !isDirect, properties: properties, body: body)
    }
    return OutboundMessage(
      exchange: resultsExchange, routingKey: correlationID, properties: properties, body: body)
  }

  /// The body, or one that says why it cannot be sent, with the outcome that it tells.
  private func measuredBody(
    _ content: ReplyContent, correlationID: [UInt8], replaced: [UInt8]?
  ) -> (body: [UInt8], outcome: ReplyContent.Outcome) {
    let fallbackID = String(decoding: correlationID, as: UTF8.self)
    let ownID = content.customID ?? replaced.map { String(decoding: $0, as: UTF8.self) }
    let whole = ReplyBody(
      content: content, customID: ownID ?? fallbackID,
      replacedCorrelationID: content.customID == nil ? nil : replaced)
    let body = whole.encode(content.outcome)
    guard body.count > limits.maximumReplyBytes else { return (body, content.outcome) }
    let failure = Failure(
      .replyTooLarge,
      "the reply has \(body.count) bytes, allowed are \(limits.maximumReplyBytes) (amqp.max_reply_bytes); "
        + "the ledger keeps the result under \(content.ledgerID)")
    let outcome = ReplyContent.Outcome.failed(failure, nil)
    let short = whole.encode(outcome)
    if short.count <= limits.maximumReplyBytes { return (short, outcome) }
    // Then the publisher's own id is what is large.
    let shortest = ReplyBody(content: content, customID: fallbackID, replacedCorrelationID: nil)
    return (shortest.encode(outcome), outcome)
  }

  private func headers(
    _ content: ReplyContent, _ outcome: ReplyContent.Outcome, isGenerated: Bool
  ) -> FieldTable {
    var table = FieldTable()
    func add(_ name: String, _ value: String?) {
      guard let value else { return }
      table.entries.append(FieldTable.Entry(key: Array(name.utf8), value: .string(value)))
    }
    switch outcome {
    case .succeeded: add("x-status", "succeeded")
    case .failed(let failure, _):
      add("x-status", "failed")
      add("x-error-code", failure.code.rawValue)
    }
    if content.late { table.entries.append(FieldTable.Entry(key: Array("x-late".utf8), value: .bool(true))) }
    if isGenerated { add("x-correlation", "generated") }
    add("x-tenant", content.tags.tenant)
    add("x-cost-center", content.tags.costCenter)
    add("x-user", content.tags.user)
    add("x-service", content.tags.service)
    add("x-environment", content.tags.environment)
    add("traceparent", content.trace.traceparent)
    add("tracestate", content.trace.tracestate)
    add(traceIDHeader, content.trace.batchTraceID)
    return HeaderBudget(maximumBytes: limits.maximumHeaderBytes).fit(table, required: Self.required)
  }

  private static let required: Set<String> = ["x-status", "x-error-code", "x-late", "x-correlation"]
}
