package import BatchCore

/// What a row of `request` is to its call.
package enum RowKind: UInt8 {
  /// The one that is sent.
  case leader = 0
  /// Gets the leader's outcome.
  case subscriber = 1
  /// Poison or a conflict: answered, never sent, and never a call that others could share.
  case refused = 2
}

/// Where a row of `request` is. Partial indexes name these numbers.
///
/// ```
/// accepted <-> inBatch -> finished      deferred lane
/// parked  <-> claimed  -> finished      interactive lane
/// following            -> finished      with its leader
/// held -> accepted, parked              waits for a budget
/// accepted -> parked, inBatch -> parked -> inBatch: a deadline is near; an attempt in a batch may run on meanwhile
/// ```
package enum RowState: UInt8 {
  case accepted = 0
  case parked = 1
  case claimed = 2
  case inBatch = 3
  case following = 4
  case finished = 5
  /// Waits for a budget.
  case held = 6
}

/// How an attempt ended.
package enum AttemptEnd: UInt8 {
  /// Its outcome is the request's, which names it.
  case final = 0
  /// The request went on.
  case retried = 1
  /// The request had its outcome already, or had gone on without it.
  case superseded = 2
  /// Its end was never seen: the process died, or its batch was given up. A late result may still fill it in.
  case lost = 3
}

package struct RowFlags: OptionSet {
  package var rawValue: Int64

  package init(rawValue: Int64) { self.rawValue = rawValue }

  /// The correlation ID is the ledger id's text, so the column is empty.
  package static let correlationGenerated = RowFlags(rawValue: 1)
  package static let noReply = RowFlags(rawValue: 2)
  /// A stored answer was given.
  package static let replayed = RowFlags(rawValue: 4)
  /// Its answer was dropped after its time.
  package static let forgotten = RowFlags(rawValue: 8)
  /// The queue that it came from. Rows from before this was kept have neither: nobody knows which queue would bring them
  /// again, so that their marks stay.
  package static let interactiveQueue = RowFlags(rawValue: 16)
  package static let deferredQueue = RowFlags(rawValue: 32)

  package static let queues: RowFlags = [.interactiveQueue, .deferredQueue]

  package static func queue(_ queue: Lane) -> RowFlags { queue == .interactive ? .interactiveQueue : .deferredQueue }
}

/// What an operator decided about a batch; the id of an adopted one has a column of its own.
package enum StoredResolution: UInt8 {
  case adopt = 0
  case resubmit = 1
  case giveUp = 2

  package init(_ resolution: BatchResolution) {
    switch resolution {
    case .adopt: self = .adopt
    case .resubmit: self = .resubmit
    case .giveUp: self = .giveUp
    }
  }
}

extension BatchResolution {
  package var adoptedID: String? { if case .adopt(let id) = self { id } else { nil } }
}
