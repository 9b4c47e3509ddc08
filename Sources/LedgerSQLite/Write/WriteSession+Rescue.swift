import BatchCore
import Ledger
import LedgerRules

/// What the rules about deadlines need.
extension WriteSession {
  func expedite(_ ids: [Int64], notBefore: Timestamp) throws -> Int { try rescues.expedite(ids, notBefore: notBefore) }

  func sendTwice(_ ids: [Int64], of batch: BatchID, notBefore: Timestamp) throws -> [Int64] {
    try rescues.sendTwice(ids, of: batch, notBefore: notBefore)
  }

  func returnToBatch(_ id: Int64, countingAttempts count: Int) throws {
    try rescues.returnToBatch(id, countingAttempts: count)
  }

  func takeRoute(of batch: BatchID, for id: Int64) throws { try rescues.takeRoute(of: batch, for: id) }

  func runningBeside(_ batch: BatchID) throws -> [(id: Int64, attempt: Int, isOver: Bool)] {
    try rescues.runningBeside(batch)
  }

  func endRunning(_ id: Int64) throws { try rescues.endRunning(id) }

  func setCancelled(_ batch: BatchID, at now: Timestamp) throws { try rescues.setCancelled(batch, at: now) }

  func setRan(_ batch: BatchID, at now: Timestamp) throws { try rescues.setRan(batch, at: now) }

  func addDoubleSpend(_ spend: PicoUSD, of batch: BatchID, at now: Timestamp) throws {
    try rescues.addDoubleSpend(spend, of: batch, at: now)
  }

  func doubleSpend(since: Timestamp) throws -> PicoUSD { try rescues.doubleSpend(since: since) }

  func answeringAttempt(of request: Int64) throws -> Int? { try outcomes.answeringAttempt(of: request) }

}
