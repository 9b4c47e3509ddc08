import BatchCore
import Ledger
import LedgerRules

/// What the rules about places need.
extension WriteSession {
  func lockPlaces() throws { try statements().places.lockPlaces() }

  func enqueuedTokens(
    account: String, model: String, besides batch: BatchID, stuckBefore: Timestamp
  ) throws -> (tokens: Int64, stuck: Int64) {
    try statements().places.reader.enqueuedTokens(
      account: account, model: model, besides: batch, stuckBefore: stuckBefore)
  }

  func creates(account: String, after: Timestamp, besides batch: BatchID) throws -> (count: Int, first: Timestamp?) {
    try statements().places.reader.creates(account: account, after: after, besides: batch)
  }

  func isBehindAnother(_ batch: BatchID, account: String, model: String, since: Timestamp) throws -> Bool {
    try statements().places.isBehindAnother(batch, account: account, model: model, since: since)
  }

  func known() throws -> [(account: String, model: String)] { try statements().places.reader.known() }

  func place(of batch: BatchID) throws -> Int64? { try statements().places.place(of: batch) }

  func setPlace(_ batch: BatchID, tokens: Int64?, at now: Timestamp) throws {
    try statements().places.setPlace(batch, tokens: tokens, at: now)
  }

  func facts(account: String, model: String) throws -> [LearnedFact] {
    try statements().places.reader.facts(account: account, model: model)
  }

  func setFact(_ what: String, _ value: Int64?, account: String, model: String, at now: Timestamp) throws {
    try statements().places.setFact(what, value, account: account, model: model, at: now)
  }
}
