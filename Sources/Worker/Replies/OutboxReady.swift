import Ledger

/// Says that replies became ready: a signal for each part of the outbox, since a signal has one waiter.
struct OutboxReady: Sendable {
  private let urgent = Signal()
  private let bulk = Signal()

  func signal(_ urgency: ReplyUrgency) -> Signal {
    switch urgency {
    case .urgent: urgent
    case .bulk: bulk
    }
  }

  func raise(_ urgency: ReplyUrgency) { signal(urgency).raise() }

  /// For those who don't know which.
  func raise() {
    for urgency in ReplyUrgency.allCases { raise(urgency) }
  }
}
