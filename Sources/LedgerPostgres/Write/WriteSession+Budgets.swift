import BatchCore
import Ledger
import LedgerRules

/// What the rules about budgets need.
extension WriteSession {
  var budgets: BudgetBook {
    get { pending.budgets }
    set { pending.budgets = newValue }
  }

  func balances(of keys: [BudgetBook.Key]) throws -> [BudgetBook.Key: BudgetBalance] {
    try statements().budgets.balances(of: keys)
  }

  func setBalances(_ balances: [(BudgetBook.Key, BudgetBalance)]) throws { try statements().budgets.set(balances) }

  func insertShares(_ shares: [BudgetBook.Share]) throws { try statements().budgets.insert(shares) }

  func updateShares(_ shares: [BudgetBook.Share]) throws { try statements().budgets.update(shares) }

  func settledShares(of requests: [Int64]) throws -> [SettledShare] { try statements().budgets.settled(requests) }

  func hold(_ id: Int64, for key: String, _ claims: [BudgetClaim], due: Timestamp?) throws {
    try statements().budgets.hold(id, for: key, claims, due: due)
  }

  func heldKeys() throws -> [String] { try statements().budgets.heldKeys() }

  func heldRequests(of key: String, limit: Int) throws -> [HeldRequest] {
    try statements().budgets.held(of: key, limit: limit)
  }

  func release(_ id: Int64, at now: Timestamp) throws -> Bool { try statements().budgets.release(id, at: now) }

  func moveHold(_ id: Int64, to key: String) throws { try statements().budgets.moveHold(id, to: key) }

  func dropHold(_ id: Int64) throws { try statements().budgets.dropHold(id) }

  func overdueHeld(at now: Timestamp, limit: Int) throws -> [Int64] {
    try statements().budgets.overdueHeld(at: now, limit: limit)
  }

  func shareKeys(of requests: [Int64]) throws -> [BudgetBook.Key] { try statements().budgets.shareKeys(of: requests) }
}
