package import Ledger

/// Where a reply stands in the outbox. Urgent ones have places below zero, so that one column keeps both parts in order
/// and neither waits behind the other.
package enum ReplyPlace {
  private static let firstUrgent = Int64.min / 2

  /// - Parameter number: From 1, and higher with every reply.
  package static func place(_ number: Int64, _ urgency: ReplyUrgency) -> Int64 {
    switch urgency {
    case .urgent: firstUrgent + number
    case .bulk: number
    }
  }

  /// The number that the place was made from.
  package static func number(of place: Int64) -> Int64 { place < 0 ? place - firstUrgent : place }

  package static func urgency(of place: Int64) -> ReplyUrgency { place < 0 ? .urgent : .bulk }

  /// Before every place of this part.
  package static func start(_ urgency: ReplyUrgency) -> Int64 { place(0, urgency) }

  /// After every place of this part.
  package static func end(_ urgency: ReplyUrgency) -> Int64 {
    switch urgency {
    case .urgent: 0
    case .bulk: .max
    }
  }
}
