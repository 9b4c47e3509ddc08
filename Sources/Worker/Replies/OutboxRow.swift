import BatchCore
import Ledger
import Wire

/// A row of the outbox on its way: its reply, and the dead letter that goes beside it. Pure.
struct OutboxRow: Sendable {
  let reply: TakenReply
  /// What the broker has not confirmed.
  private(set) var open: [OutboundMessage]
  /// Why the broker will not have a part of it, whatever is done.
  private(set) var complaint: String?
  /// How often in a row a queue refused it.
  private(set) var refusals = 0
  /// When the first of these was.
  private(set) var refusedSince: Timestamp?

  init(_ reply: TakenReply, messages: [OutboundMessage]) {
    self.reply = reply
    open = messages
  }

  var bytes: Int { open.reduce(0) { $0 + $1.body.count } }

  /// Takes the outcomes of the open messages, in order; what has none is unknown. Returns whether it is worth waiting
  /// before the next try, and counts what happened.
  mutating func apply(
    _ outcomes: some Collection<PublishOutcome>, at now: Timestamp, unclaimed: String, _ tally: inout [String: Int]
  ) -> Bool {
    var again: [OutboundMessage] = []
    var isRefused = false
    var mustWait = false
    var rest = outcomes[...]
    for var message in open {
      let outcome = rest.popFirst() ?? .unknown
      switch outcome {
      case .confirmed:
        tally[message.exchange == unclaimed ? "unclaimed" : "confirmed", default: 0] += 1
      case .returned:
        guard message.exchange != unclaimed else {
          complaint = "no queue is bound for it, nor to the exchange for unclaimed replies"
          tally["undeliverable", default: 0] += 1
          continue
        }
        // Nobody waits for it any more: it is kept where an operator finds it.
        message.exchange = unclaimed
        again.append(message)
      case .rejected where outcome.exchangeFault != nil:
        mustWait = true
        again.append(message)
      case .rejected(let code, let text):
        complaint = "the broker refuses it: \(code) \(text)"
        tally["undeliverable", default: 0] += 1
      case .refused:
        isRefused = true
        mustWait = true
        again.append(message)
      case .unknown:
        mustWait = true
        again.append(message)
      }
    }
    open = again
    refusals = isRefused ? refusals + 1 : 0
    refusedSince = isRefused ? refusedSince ?? now : nil
    tally["again", default: 0] += again.count
    return mustWait
  }

  /// Sends what is open where replies go that nobody takes.
  mutating func redirect(to exchange: String) {
    for index in open.indices { open[index].exchange = exchange }
    refusals = 0
    refusedSince = nil
  }
}
