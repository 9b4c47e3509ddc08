package import Ledger

/// The last places of the outbox that were taken, one a part. Places are given out in the order of commits, so nothing
/// appears before them.
package struct ReplyCursors: Sendable {
  private var urgent = ReplyPlace.start(.urgent)
  private var bulk = ReplyPlace.start(.bulk)

  package init() {}

  package subscript(_ urgency: ReplyUrgency) -> Int64 {
    get {
      switch urgency {
      case .urgent: urgent
      case .bulk: bulk
      }
    }
    set {
      switch urgency {
      case .urgent: urgent = newValue
      case .bulk: bulk = newValue
      }
    }
  }
}
