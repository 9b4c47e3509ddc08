import BatchCore
import Ledger
import LedgerRules

/// Statements that keep daily costs. Each replica has rows of its own, so that none waits for another's commit.
struct CostStatements {
  private let addAttempts: PreparedStatement

  init(_ connection: PostgresConnection) {
    let key = "replica, day, tenant, cost_center, user_tag, service, environment, route, batch"
    let sums = Self.sums.map(\.name)
    addAttempts = connection.prepare(
      """
      INSERT INTO cost AS c (\(key), \(sums.joined(separator: ", ")))
      SELECT $1::bigint, a.ended_at / \(Timestamp.dayMilliseconds), r.tenant, coalesce(r.cost_center, ''),
        coalesce(r.user_tag, ''), coalesce(r.service, ''), coalesce(r.environment, ''), coalesce(a.route, 0),
        coalesce(a.batch_id, 0), \(Self.sums.map { "$2::bigint * \($0.sql)" }.joined(separator: ", "))
      FROM attempt a JOIN request r ON r.id = a.request_id
      WHERE a.id = ANY($3::bigint[]) GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
      ON CONFLICT (\(key)) DO UPDATE SET
        \(sums.map { "\($0) = c.\($0) + excluded.\($0)" }.joined(separator: ", "))
      """)
  }

  /// The columns of sums in the order of `CostSums.fields`, and what they are of attempts.
  static let sums: [(name: String, sql: String)] = [
    ("attempts", "count(*)"),
    ("unknown", "count(*) FILTER (WHERE a.cost_unknown)"),
    ("unpriced", "count(*) FILTER (WHERE a.input_tokens IS NOT NULL AND a.cost IS NULL)"),
    ("superseded", "count(*) FILTER (WHERE a.outcome = \(AttemptEnd.superseded.rawValue))"),
    ("input_tokens", "coalesce(sum(a.input_tokens), 0)"),
    ("cached_input_tokens", "coalesce(sum(a.cached_input_tokens), 0)"),
    ("cache_write_tokens", "coalesce(sum(a.cache_write_tokens), 0)"),
    ("output_tokens", "coalesce(sum(a.output_tokens), 0)"),
    ("cost", "coalesce(sum(a.cost), 0)"),
    (
      "superseded_cost",
      "coalesce(sum(a.cost) FILTER (WHERE a.outcome = \(AttemptEnd.superseded.rawValue)), 0)"
    ),
    ("held", "coalesce(sum(a.held) FILTER (WHERE a.cost_unknown), 0)"),
    ("list_cost", "coalesce(sum(CASE WHEN a.cost IS NOT NULL THEN coalesce(a.list_cost, a.cost) END), 0)"),
    (
      "full_cost",
      "coalesce(sum(CASE WHEN a.cost IS NOT NULL THEN coalesce(a.full_cost, a.list_cost, a.cost) END), 0)"
    ),
    ("answers", "count(*) FILTER (WHERE a.input_tokens IS NOT NULL)"),
    ("estimated_tokens", "coalesce(sum(r.tokens) FILTER (WHERE a.input_tokens IS NOT NULL), 0)"),
  ]

  /// Counts these attempts, which are there, in the costs of their days; with -1 for a sign they are taken out again.
  func add(_ attempts: [Int64], sign: Int64, replica: Int64) throws {
    if attempts.isEmpty { return }
    addAttempts.start().bind(replica)
    addAttempts.bind(sign)
    addAttempts.bind(array: attempts)
    try addAttempts.run()
  }
}
