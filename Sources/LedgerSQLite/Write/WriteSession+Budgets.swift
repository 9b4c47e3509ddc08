import BatchCore
import Ledger
import LedgerRules

/// What the rules about budgets need.
extension WriteSession {
  func balances(of keys: [BudgetBook.Key]) throws -> [BudgetBook.Key: BudgetBalance] {
    var found: [BudgetBook.Key: BudgetBalance] = [:]
    for key in keys { found[key] = try budgetStatements.balance(of: key) ?? BudgetBalance() }
    return found
  }

  func setBalances(_ balances: [(BudgetBook.Key, BudgetBalance)]) throws {
    for (key, balance) in balances { try budgetStatements.set(key, balance) }
  }

  func insertShares(_ shares: [BudgetBook.Share]) throws {
    for share in shares { try budgetStatements.insert(share) }
  }

  func updateShares(_ shares: [BudgetBook.Share]) throws {
    for share in shares { try budgetStatements.update(share) }
  }

  func settledShares(of requests: [Int64]) throws -> [SettledShare] {
    try requests.flatMap { try budgetStatements.settled($0) }
  }

  func hold(_ id: Int64, for key: String, _ claims: [BudgetClaim], due: Timestamp?) throws {
    try budgetStatements.hold(id, for: key, claims, due: due)
  }

  func heldKeys() throws -> [String] { try budgetStatements.heldKeys() }

  func heldRequests(of key: String, limit: Int) throws -> [HeldRequest] {
    try budgetStatements.held(of: key, limit: limit)
  }

  func release(_ id: Int64, at now: Timestamp) throws -> Bool { try budgetStatements.release(id, at: now) }

  func moveHold(_ id: Int64, to key: String) throws { try budgetStatements.moveHold(id, to: key) }

  func dropHold(_ id: Int64) throws { try budgetStatements.dropHold(id) }

  func overdueHeld(at now: Timestamp, limit: Int) throws -> [Int64] {
    try budgetStatements.overdueHeld(at: now, limit: limit)
  }

  func shareKeys(of requests: [Int64]) throws -> [BudgetBook.Key] { try budgetStatements.shareKeys(of: requests) }
}
