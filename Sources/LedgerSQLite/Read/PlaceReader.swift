import BatchCore
import Ledger
import LedgerRules

/// Reads what batches take of the limits of their account, and what was learned of those.
struct PlaceReader: PlaceReading {
  private let selectEnqueued: Statement
  private let selectCreated: Statement
  private let selectPlaced: Statement
  private let selectFacts: Statement
  private let selectKnown: Statement

  init(_ connection: OpaquePointer) throws {
    // One that was sent counts without a place, too; one that is over has a place of nothing.
    selectEnqueued = try Statement(
      connection,
      """
      SELECT ifnull(sum(iif(state = 1 AND submitted_at < ?4, 0, tokens)), 0),
        ifnull(sum(iif(state = 1 AND submitted_at < ?4, tokens, 0)), 0) FROM batch INDEXED BY batch_open
      WHERE state <= 2 AND account = ?1 AND model = ?2 AND id <> ?3 AND ifnull(enqueued_tokens, state) <> 0
      """)
    selectCreated = try Statement(
      connection,
      """
      SELECT count(*), min(submitted_at) FROM batch INDEXED BY batch_submitted
      WHERE account = ? AND submitted_at > ? AND id <> ?
      """)
    selectPlaced = try Statement(
      connection,
      """
      SELECT count(*) FROM batch INDEXED BY batch_open
      WHERE state <= 2 AND state = 0 AND enqueued_tokens IS NOT NULL AND account = ? AND id <> ?
      """)
    selectFacts = try Statement(connection, "SELECT what, value, at FROM learned WHERE account = ? AND model = ?")
    selectKnown = try Statement(
      connection,
      """
      SELECT account, model FROM batch INDEXED BY batch_open WHERE state <= 2
      UNION SELECT account, model FROM learned ORDER BY account, model
      """)
  }

  func enqueuedTokens(
    account: String, model: String, besides batch: BatchID, stuckBefore: Timestamp
  ) throws -> (tokens: Int64, stuck: Int64) {
    selectEnqueued.start().bind(account)
    selectEnqueued.bind(model)
    selectEnqueued.bind(batch.rawValue)
    selectEnqueued.bind(stuckBefore)
    return try selectEnqueued.first { ($0.integer(0), $0.integer(1)) } ?? (0, 0)
  }

  func creates(account: String, after: Timestamp, besides batch: BatchID) throws -> (count: Int, first: Timestamp?) {
    selectCreated.start().bind(account)
    selectCreated.bind(after)
    selectCreated.bind(batch.rawValue)
    let created = try selectCreated.first { (count: $0.int(0), first: $0.optionalTimestamp(1)) }
    selectPlaced.start().bind(account)
    selectPlaced.bind(batch.rawValue)
    let placed = try selectPlaced.first { $0.int(0) } ?? 0
    return ((created?.count ?? 0) + placed, created?.first)
  }

  func facts(account: String, model: String) throws -> [LearnedFact] {
    selectFacts.start().bind(account)
    selectFacts.bind(model)
    return try selectFacts.all { LearnedFact(what: $0.text(0), value: $0.integer(1), at: $0.timestamp(2)) }
  }

  /// Accounts and models with unfinished batches, or with something learned.
  func known() throws -> [(account: String, model: String)] {
    try selectKnown.start().all { (account: $0.text(0), model: $0.text(1)) }
  }
}
