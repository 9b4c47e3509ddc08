import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// Answers poison that the ledger cannot keep, so that no row holds its reply.
///
/// The reply is published until the broker confirms it, and only then is the message dead-lettered: until then the
/// delivery, which stays unacked, is all that remembers it.
final class UnrecordedPoison: Sendable {
  private struct Answer: Sendable {
    var row: OutboxRow
    var held: HeldDeliveries.Held
  }

  private let context: WorkerContext
  private let sink: any ReplySink
  private let settler: DeliverySettler
  private let faults: ExchangeFaults
  private let encoder: ReplyEncoding
  /// Bounded by the prefetch: each is an unacked delivery.
  private let answers = Locked([Answer]())
  private let ready = Signal()
  /// A reply that its queue refuses so often goes where an operator finds it.
  private static let patience = 3

  init(context: WorkerContext, sink: any ReplySink, settler: DeliverySettler, faults: ExchangeFaults) {
    self.context = context
    self.faults = faults
    self.sink = sink
    self.settler = settler
    encoder = ReplyEncoding(configuration: context.configuration)
  }

  func answer(_ delivery: Delivery, of source: any DeliverySource, _ request: NewRequest, _ failure: Failure) {
    // No row of the ledger is numbered so.
    let id = RequestID(0)
    let ledgerID = request.envelope.ledgerID
    var reply = PendingReply(
      id: id, ledgerID: ledgerID, callID: ledgerID, envelope: ReplyAddress(request.envelope), attempts: 0,
      basis: .unknown, receivedAt: request.receivedAt, completedAt: context.time.now(), replayed: false)
    reply.failure = failure
    let answer = Answer(
      row: OutboxRow(reply.taken, messages: request.envelope.noReply ? [] : [encoder.reply(reply)]),
      held: HeldDeliveries.Held(
        id: id, source: source, token: delivery.token, isFingerprint: false,
        poison: HeldDeliveries.Poison(delivery: delivery, failure: failure)))
    // A shutdown waits for it as for the dead letter that follows.
    settler.burying.enter()
    answers.withLock { $0.append(answer) }
    ready.raise()
  }

  /// Publishes replies until the task is cancelled.
  func run() async {
    var waiting: [Answer] = []
    var delay = Duration.milliseconds(100)
    while !Task.isCancelled {
      waiting += answers.withLock { answers in
        defer { answers = [] }
        return answers
      }
      if waiting.isEmpty {
        delay = .milliseconds(100)
        await ready.wait()
        continue
      }
      let mustWait = await publish(&waiting)
      if waiting.isEmpty || !mustWait { continue }
      guard (try? await context.time.sleep(for: delay)) != nil else { return }
      delay = min(delay * 2, .seconds(5))
    }
  }

  /// Publishes what is open once, and leaves what is to be published again. Returns whether to wait before that.
  private func publish(_ waiting: inout [Answer]) async -> Bool {
    let messages = waiting.flatMap(\.row.open)
    var outcomes: ArraySlice<PublishOutcome> = []
    if !messages.isEmpty {
      outcomes = await faults.publish(messages) { sent in await abandoning { [sink] in await sink.publish(sent) } }[...]
    }
    let now = context.time.monotonic()
    var tally: [String: Int] = [:]
    var mustWait = false
    var left: [Answer] = []
    for var answer in waiting {
      let own = outcomes.prefix(answer.row.open.count)
      outcomes = outcomes.dropFirst(answer.row.open.count)
      let unclaimed = context.configuration.names.unclaimedExchange
      if answer.row.apply(own, at: now, unclaimed: unclaimed, &tally) { mustWait = true }
      if answer.row.open.isEmpty {
        end(answer)
        continue
      }
      if answer.row.refusals >= Self.patience { answer.row.redirect(to: unclaimed) }
      left.append(answer)
    }
    waiting = left
    for (outcome, amount) in tally { context.metrics.replies(outcome, by: amount) }
    return mustWait
  }

  private func end(_ answer: Answer) {
    if let complaint = answer.row.complaint {
      context.logger.error("A reply that the broker will not take", metadata: ["reason": "\(complaint)"])
    }
    settler.settle([answer.held])
    settler.burying.leave()
  }
}

extension ReplyAddress {
  fileprivate init(_ envelope: Envelope) {
    self.init(
      correlationID: envelope.correlationID, correlationGenerated: envelope.correlationGenerated,
      replyTo: envelope.replyTo, customID: envelope.customID, tags: envelope.tags, trace: envelope.trace,
      callbackURL: envelope.callbackURL, noReply: envelope.noReply)
  }
}
