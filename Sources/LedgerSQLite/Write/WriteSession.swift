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
  let parked: ParkedStatements
  let retention: RetentionStatements
  let places: PlaceStatements
  let rescues: RescueStatements
  let costs: CostStatements
  /// What the open transaction has counted.
  var pendingCosts: [CostKey: CostSums] = [:]
  let budgetStatements: BudgetStatements
  var budgets = BudgetBook()

  /// Tells the claims of this process from those of earlier ones.
  let epoch: Int64
  private var nextID: Int64
  private var nextAttemptID: Int64
  private var nextReply: Int64
  private var models = NameCache<String>()
  private var routes = NameCache<Route>()

  /// Starts a new epoch, and takes back what the process before held in the ledger's own custody.
  init(_ connection: OpaquePointer) throws {
    transaction = try Transaction(connection)
    requests = try RequestStatements(connection)
    admissions = try AdmissionStatements(connection)
    outcomes = try OutcomeStatements(connection)
    batches = try BatchStatements(connection)
    parked = try ParkedStatements(connection)
    retention = try RetentionStatements(connection)
    places = try PlaceStatements(connection)
    rescues = try RescueStatements(connection)
    costs = try CostStatements(connection)
    budgetStatements = try BudgetStatements(connection)

    func number(_ sql: String) throws -> Int64 { try Statement(connection, sql).start().first { $0.integer(0) } ?? 0 }
    try transaction.begin()
    do {
      try Statement(connection, "UPDATE meta SET value = value + 1 WHERE name = 'epoch'").start().run()
      epoch = try number("SELECT value FROM meta WHERE name = 'epoch'")
      let lost = try Self.recover(connection)
      func highest(_ table: String) throws -> Int64 {
        try max(
          number("SELECT max(id) FROM \(table)"), number("SELECT value FROM meta WHERE name = 'highest_\(table)'"))
      }
      nextID = try highest("request") + 1
      nextAttemptID = try highest("attempt") + 1
      nextReply = try Self.lastReply(connection) + 1
      for attempt in lost {
        guard let found = try costs.lost(attempt) else { continue }
        count(found.sums, under: found.key)
        budgets.touched.insert(found.request)
      }
      try flushCosts()
      try settleBudgets()
      budgets = BudgetBook()
      try transaction.commit()
    } catch {
      transaction.rollBack()
      throw error
    }
  }

  /// Calls that were taken from the parked rows and not ended: sent again, and perhaps paid already. Claims for messages
  /// that the broker holds wait for their redelivery.
  ///
  /// Returns the attempts.
  private static func recover(_ connection: OpaquePointer) throws -> [Int64] {
    let lost = try Statement(
      connection,
      """
      INSERT INTO attempt(request_id, attempt, outcome, basis, cost_unknown, ended_at, route, held)
      SELECT id, attempt_no, \(AttemptEnd.lost.rawValue), \(CostBasis.unknown.rawValue), 1, not_before, route, call_ceiling
      FROM request INDEXED BY request_claimed WHERE state = 2 AND custody = 1
      ON CONFLICT DO NOTHING RETURNING id
      """
    ).start().all { $0.integer(0) }
    try Statement(
      connection,
      """
      UPDATE request INDEXED BY request_claimed SET state = 1, attempts = attempts + 1
      WHERE state = 2 AND custody = 1
      """
    ).start().run()
    return lost
  }

  func makeID() -> Int64 {
    defer { nextID += 1 }
    return nextID
  }

  func makeAttemptID() -> Int64 {
    defer { nextAttemptID += 1 }
    return nextAttemptID
  }

  func makePlace(_ urgency: ReplyUrgency) -> Int64 {
    defer { nextReply += 1 }
    return ReplyPlace.place(nextReply, urgency)
  }

  /// The number of the reply that came last into the outbox, of those that are there.
  private static func lastReply(_ connection: OpaquePointer) throws -> Int64 {
    let highest = try Statement(connection, "SELECT max(seq) FROM outbox WHERE seq > ? AND seq < ?")
    return try ReplyUrgency.allCases.reduce(0) { last, urgency in
      highest.start().bind(ReplyPlace.start(urgency))
      highest.bind(ReplyPlace.end(urgency))
      let place = try highest.first { $0.optionalInteger(0) } ?? nil
      return max(last, place.map(ReplyPlace.number(of:)) ?? 0)
    }
  }

  func id(ofModel name: String) throws -> Int64 { try models.id(of: name, orElse: requests.idOfModel) }

  func id(of route: Route) throws -> Int64 { try routes.id(of: route, orElse: requests.idOfRoute) }

  func begin() throws { try transaction.begin() }

  func commit() throws {
    try flushCosts()
    try settleBudgets()
    try transaction.commit()
    budgets = BudgetBook()
  }

  func rollBack() {
    transaction.rollBack()
    pendingCosts.removeAll()
    budgets = BudgetBook()
    models.removeAll()
    routes.removeAll()
  }

  /// One process has the file, so nothing is lost against another.
  func mayRetry(_ error: any Error) -> Bool { false }
}
