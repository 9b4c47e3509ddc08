import BatchCore
import Ledger
import LedgerRules

/// Reads what batches take of the limits of their account, and what was learned of those.
struct PlaceReader: PlaceReading {
  private let selectEnqueued: PreparedStatement
  private let selectCreates: PreparedStatement
  private let selectFacts: PreparedStatement
  private let selectKnown: PreparedStatement

  init(_ connection: PostgresConnection) {
    // One that was sent counts without a place, too; one that is over has a place of nothing.
    selectEnqueued = connection.prepare(
      """
      SELECT coalesce(sum(tokens) FILTER (WHERE NOT (state = 1 AND submitted_at < $4::bigint)), 0)::bigint,
        coalesce(sum(tokens) FILTER (WHERE state = 1 AND submitted_at < $4::bigint), 0)::bigint FROM batch
      WHERE state <= 2 AND account = $1::text AND model = $2::text AND id <> $3::bigint
        AND coalesce(enqueued_tokens, state) <> 0
      """)
    selectCreates = connection.prepare(
      """
      SELECT (SELECT count(*) FROM batch WHERE account = $1::text AND submitted_at > $2::bigint AND id <> $3::bigint)
          + (SELECT count(*) FROM batch WHERE state <= 2 AND state = 0 AND enqueued_tokens IS NOT NULL
            AND account = $1::text AND id <> $3::bigint),
        (SELECT min(submitted_at) FROM batch WHERE account = $1::text AND submitted_at > $2::bigint AND id <> $3::bigint)
      """)
    selectFacts = connection.prepare(
      "SELECT what, value, at FROM learned WHERE account = $1::text AND model = $2::text")
    selectKnown = connection.prepare(
      """
      SELECT account, model FROM batch WHERE state <= 2
      UNION SELECT account, model FROM learned ORDER BY account, model
      """)
  }

  func enqueuedTokens(
    account: String, model: String, besides batch: BatchID, stuckBefore: Timestamp
  ) throws -> (tokens: Int64, stuck: Int64) {
    selectEnqueued.start().bind(account)
    selectEnqueued.bind(StoredText(model))
    selectEnqueued.bind(batch.rawValue)
    selectEnqueued.bind(stuckBefore.milliseconds)
    return try selectEnqueued.first { (try $0.integer(0), try $0.integer(1)) } ?? (0, 0)
  }

  func creates(account: String, after: Timestamp, besides batch: BatchID) throws -> (count: Int, first: Timestamp?) {
    selectCreates.start().bind(account)
    selectCreates.bind(after.milliseconds)
    selectCreates.bind(batch.rawValue)
    return try selectCreates.first { (count: try $0.int(0), first: try $0.optionalTimestamp(1)) } ?? (0, nil)
  }

  func facts(account: String, model: String) throws -> [LearnedFact] {
    selectFacts.start().bind(account)
    selectFacts.bind(StoredText(model))
    return try selectFacts.all {
      LearnedFact(what: try $0.text(0), value: try $0.integer(1), at: try $0.timestamp(2))
    }
  }

  /// Accounts and models with unfinished batches, or with something learned.
  func known() throws -> [(account: String, model: String)] {
    try selectKnown.start().all { (account: try $0.text(0), model: try $0.text(1)) }
  }
}
