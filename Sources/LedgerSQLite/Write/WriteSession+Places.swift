import BatchCore
import Ledger
import LedgerRules

/// What the rules about places need.
extension WriteSession {
  /// One transaction is open at a time.
  func lockPlaces() {}

  func enqueuedTokens(
    account: String, model: String, besides batch: BatchID, stuckBefore: Timestamp
  ) throws -> (tokens: Int64, stuck: Int64) {
    try places.reader.enqueuedTokens(account: account, model: model, besides: batch, stuckBefore: stuckBefore)
  }

  func creates(account: String, after: Timestamp, besides batch: BatchID) throws -> (count: Int, first: Timestamp?) {
    try places.reader.creates(account: account, after: after, besides: batch)
  }

  func isBehindAnother(_ batch: BatchID, account: String, model: String, since: Timestamp) throws -> Bool {
    try places.isBehindAnother(batch, account: account, model: model, since: since)
  }

  func known() throws -> [(account: String, model: String)] { try places.reader.known() }

  func place(of batch: BatchID) throws -> Int64? { try places.place(of: batch) }

  func setPlace(_ batch: BatchID, tokens: Int64?, at now: Timestamp) throws {
    try places.setPlace(batch, tokens: tokens, at: now)
  }

  func facts(account: String, model: String) throws -> [LearnedFact] {
    try places.reader.facts(account: account, model: model)
  }

  func setFact(_ what: String, _ value: Int64?, account: String, model: String, at now: Timestamp) throws {
    try places.setFact(what, value, account: account, model: model, at: now)
  }
}
