import BatchCore
import GRDBSQLite
import Ledger
import LedgerRules

/// The writer's statements, and what it knows without asking. It lives on the writer's queue.
///
/// Numbers that are given out are not taken back by a rollback: gaps do no harm.
final class WriteSession: CommitSession {
  let transaction: Transaction
  let requests: RequestStatements
  let admissions: AdmissionStatements
  let outcomes: OutcomeStatements
  let batches: BatchStatements
  let retention: RetentionStatements

  /// Tells the claims of this process from those of earlier ones.
  let epoch: Int64
  private var nextID: Int64
  private var nextAttemptID: Int64
  private var nextPlace: Int64
  private var models = NameCache<String>()
  private var routes = NameCache<Route>()

  /// Starts a new epoch, and takes back what the process before held in the ledger's own custody.
  init(_ connection: OpaquePointer) throws {
    transaction = try Transaction(connection)
    requests = try RequestStatements(connection)
    admissions = try AdmissionStatements(connection)
    outcomes = try OutcomeStatements(connection)
    batches = try BatchStatements(connection)
    retention = try RetentionStatements(connection)

    func number(_ sql: String) throws -> Int64 { try Statement(connection, sql).start().first { $0.integer(0) } ?? 0 }
    try transaction.begin()
    do {
      try Statement(connection, "UPDATE meta SET value = value + 1 WHERE name = 'epoch'").start().run()
      epoch = try number("SELECT value FROM meta WHERE name = 'epoch'")
      try Self.recover(connection)
      func highest(_ table: String) throws -> Int64 {
        try max(
          number("SELECT max(id) FROM \(table)"), number("SELECT value FROM meta WHERE name = 'highest_\(table)'"))
      }
      nextID = try highest("request") + 1
      nextAttemptID = try highest("attempt") + 1
      nextPlace = try number("SELECT max(seq) FROM outbox") + 1
      try transaction.commit()
    } catch {
      transaction.rollBack()
      throw error
    }
  }

  /// Calls that were taken from the parked rows and not ended: sent again, and perhaps paid already. Claims for messages
  /// that the broker holds wait for their redelivery.
  private static func recover(_ connection: OpaquePointer) throws {
    try Statement(
      connection,
      """
      INSERT INTO attempt(request_id, attempt, outcome, basis, cost_unknown, ended_at)
      SELECT id, attempt_no, \(AttemptEnd.lost.rawValue), \(CostBasis.unknown.rawValue), 1, not_before
      FROM request INDEXED BY request_claimed WHERE state = 2 AND custody = 1
      ON CONFLICT DO NOTHING
      """
    ).start().run()
    try Statement(
      connection,
      """
      UPDATE request INDEXED BY request_claimed SET state = 1, attempts = attempts + 1
      WHERE state = 2 AND custody = 1
      """
    ).start().run()
  }

  func makeID() -> Int64 {
    defer { nextID += 1 }
    return nextID
  }

  func makeAttemptID() -> Int64 {
    defer { nextAttemptID += 1 }
    return nextAttemptID
  }

  func makePlace() -> Int64 {
    defer { nextPlace += 1 }
    return nextPlace
  }

  func id(ofModel name: String) throws -> Int64 { try models.id(of: name, orElse: requests.idOfModel) }

  func id(of route: Route) throws -> Int64 { try routes.id(of: route, orElse: requests.idOfRoute) }

  func begin() throws { try transaction.begin() }

  func commit() throws { try transaction.commit() }

  func rollBack() {
    transaction.rollBack()
    models.removeAll()
    routes.removeAll()
  }

  /// One process has the file, so nothing is lost against another.
  func mayRetry(_ error: any Error) -> Bool { false }
}
