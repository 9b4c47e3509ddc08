import BatchCore
import Threading
import Wire

/// Exchanges that the broker does not let us publish to, since they are gone or forbidden. No message is to blame for
/// that: what is meant for them waits, and the health board says so.
///
/// To publish to such an exchange closes a channel, and with it takes back whatever others have under way. So whoever
/// shares this tries it again in turn, by `publish`, however many they are.
final class ExchangeFaults: Sendable {
  private struct Fault {
    var outcome: PublishOutcome
    var delay: Duration
    var nextTry: Timestamp
  }

  private static let firstDelay = Duration.milliseconds(50)
  private static let longestDelay = Duration.seconds(2)

  private let health: HealthBoard
  private let time: any Timekeeper
  private let faults = Locked([String: Fault]())

  init(health: HealthBoard, time: any Timekeeper) {
    self.health = health
    self.time = time
  }

  /// Publishes the messages whose exchange is not known to be faulty or has its turn; the others have the outcome again that
  /// its last try had.
  ///
  /// - Returns: An outcome for each message, in order. What became of a message is unknown where the publisher says nothing.
  func publish(
    _ messages: [OutboundMessage], _ send: ([OutboundMessage]) async -> [PublishOutcome]?
  ) async -> [PublishOutcome] {
    let waiting = waiting(Set(messages.map(\.exchange)))
    let sent = waiting.isEmpty ? messages : messages.filter { waiting[$0.exchange] == nil }
    if sent.isEmpty { return messages.map { waiting[$0.exchange] ?? .unknown } }
    let outcomes = await send(sent) ?? []
    note(sent, outcomes)
    var rest = outcomes[...]
    return messages.map { waiting[$0.exchange] ?? rest.popFirst() ?? .unknown }
  }

  /// The faulty ones that it is not yet time to try, with what they did last. The caller is to try the others.
  private func waiting(_ exchanges: Set<String>) -> [String: PublishOutcome] {
    let now = time.monotonic()
    return faults.withLock { faults in
      if faults.isEmpty { return [:] }
      var waiting: [String: PublishOutcome] = [:]
      for exchange in exchanges {
        guard let fault = faults[exchange] else { continue }
        if now < fault.nextTry {
          waiting[exchange] = fault.outcome
        } else {
          let delay = min(fault.delay * 2, Self.longestDelay)
          faults[exchange] = Fault(outcome: fault.outcome, delay: delay, nextTry: now + delay)
        }
      }
      return waiting
    }
  }

  private func note(_ messages: [OutboundMessage], _ outcomes: [PublishOutcome]) {
    let now = time.monotonic()
    let wereNone = faults.withLock { $0.isEmpty }
    for (message, outcome) in zip(messages, outcomes) {
      if let fault = outcome.exchangeFault {
        faults.withLock {
          $0[message.exchange, default: Fault(outcome: outcome, delay: Self.firstDelay, nextTry: now + Self.firstDelay)]
            .outcome = outcome
        }
        health.report(Self.part(message.exchange), "messages for the exchange '\(message.exchange)' wait: \(fault)")
      } else if !wereNone, outcome.wasRouted, faults.withLock({ $0.removeValue(forKey: message.exchange) }) != nil {
        health.clear(Self.part(message.exchange))
      }
    }
  }

  private static func part(_ exchange: String) -> HealthBoard.Part { .broker("exchange.\(exchange)") }
}

extension PublishOutcome {
  /// What is wrong with the exchange, where the broker closed the channel because of that and not of the message.
  ///
  /// A topic permission refuses a routing key, which is the message's own, in other words.
  var exchangeFault: String? {
    switch self {
    case .rejected(404, let text): text
    case .rejected(403, let text) where text.contains("access to exchange"): text
    case .confirmed, .returned, .refused, .rejected, .unknown: nil
    }
  }

  fileprivate var wasRouted: Bool {
    switch self {
    case .confirmed, .returned, .refused: true
    case .rejected, .unknown: false
    }
  }
}
