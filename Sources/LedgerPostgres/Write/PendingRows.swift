import BatchCore
import Ledger
import LedgerRules
import Wire

/// What the open transaction will append.
struct PendingRows {
  struct Attempt {
    var id: Int64
    var request: Int64
    var end: AttemptEnd
    var outcome: AttemptOutcome
    var endedAt: Timestamp
  }

  var attempts: [Attempt] = []
  var budgets = BudgetBook()
  var bodies: [(request: Int64, bytes: [UInt8]?, properties: [UInt8])] = []
  var replies: [(place: Int64, request: Int64, again: Bool)] = []
}
