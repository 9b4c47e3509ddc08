import Threading
import Wire

/// Exchanges that the broker does not let us publish to, since they are gone or forbidden. No message is to blame for
/// that: what is meant for them waits, and the health board says so.
final class ExchangeFaults: Sendable {
  private let health: HealthBoard
  private let faulty = Locked(Set<String>())

  init(health: HealthBoard) {
    self.health = health
  }

  /// - Parameter outcomes: As many as there are messages, or fewer: the others are unknown.
  func note(_ messages: [OutboundMessage], _ outcomes: some Collection<PublishOutcome>) {
    let known = faulty.withLock { $0 }
    for (message, outcome) in zip(messages, outcomes) {
      if let fault = outcome.exchangeFault {
        faulty.withLock { _ = $0.insert(message.exchange) }
        health.report(Self.part(message.exchange), "messages for the exchange '\(message.exchange)' wait: \(fault)")
      } else if !known.isEmpty, outcome.wasRouted, faulty.withLock({ $0.remove(message.exchange) }) != nil {
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
