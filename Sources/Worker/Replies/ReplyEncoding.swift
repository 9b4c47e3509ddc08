import BatchCore
import Ledger
import Wire

/// Makes the messages of an outbox row.
struct ReplyEncoding: Sendable {
  private let replies: ReplyEncoder
  private let letters: DeadLetterEncoder
  private let deadLettersRejected: Bool

  init(configuration: WorkerConfiguration) {
    deadLettersRejected = configuration.deadLettersRejected
    replies = ReplyEncoder(
      resultsExchange: configuration.names.resultsExchange, limits: configuration.messageLimits,
      traceIDHeader: configuration.traceIDHeader)
    letters = DeadLetterEncoder(
      exchange: configuration.names.deadLetterExchange, limits: configuration.messageLimits)
  }

  func reply(_ pending: PendingReply) -> OutboundMessage {
    let outcome: ReplyContent.Outcome =
      if let failure = pending.failure {
        .failed(failure, pending.response)
      } else if let response = pending.response {
        .succeeded(response)
      } else {
        .failed(Failure(.resultMissing, "the ledger holds no result for this request"), nil)
      }
    let address = pending.envelope
    var content = ReplyContent(
      ledgerID: pending.ledgerID, correlationID: address.correlationID,
      correlationGenerated: address.correlationGenerated, replyTo: address.replyTo, customID: address.customID,
      tags: address.tags, trace: address.trace, outcome: outcome, receivedAt: pending.receivedAt,
      completedAt: pending.completedAt)
    content.late = pending.failure == nil && (pending.deadline.map { pending.completedAt > $0 } ?? false)
    content.lane = pending.lane
    content.provider = pending.route?.provider
    content.model = pending.model
    content.batchID = pending.providerBatchID
    content.callID = pending.callID.text
    content.attempts = pending.attempts
    content.usage = pending.usage
    if pending.cost != nil || pending.usage != nil || pending.replayed {
      content.cost = ReplyCost(amount: pending.cost, basis: pending.basis)
    }
    content.replayed = pending.replayed
    return replies.encode(content)
  }

  /// The dead letter that goes beside the reply of a request that failed in the ledger's custody.
  func deadLetter(_ pending: PendingReply) -> OutboundMessage? {
    guard let letter = pending.deadLetter, let failure = pending.failure else { return nil }
    if failure.code == .providerRejected, !deadLettersRejected { return nil }
    // What cannot be read back is published without the original's properties rather than not at all.
    let original = (try? PropertiesCodec.decode(letter.properties)) ?? MessageProperties()
    return letters.encode(
      original: original, body: letter.body, isDecompressed: true,
      routingKey: pending.envelope.correlationID, failure: failure, attempts: pending.attempts)
  }

  /// A message as it came, for where the broker would not dead-letter it.
  func deadLetter(of delivery: Delivery, failure: Failure) -> OutboundMessage {
    letters.encode(
      original: delivery.properties, body: delivery.body, isDecompressed: false, routingKey: delivery.routingKey,
      failure: failure, attempts: 0)
  }
}
