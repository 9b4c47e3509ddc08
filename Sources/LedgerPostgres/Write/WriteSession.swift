import BatchCore
import Glibc
import Ledger
import LedgerRules

/// The connection that writes, and what it knows without asking. It lives on the writer's thread.
///
/// What a transaction only appends is gathered and sent before the commit, a statement a table, so that the round trips of a
/// commit don't grow with its rows.
final class WriteSession: CommitSession {
  struct Statements {
    var admissions: AdmissionStatements
    var requests: RequestStatements
    var outcomes: OutcomeStatements
    var batches: BatchStatements
    var parked: ParkedStatements
    var replicas: ReplicaStatements
    var windows: WindowStatements
    var retention: RetentionStatements
    var places: PlaceStatements
    var rescues: RescueStatements
    var costs: CostStatements
    var budgets: BudgetStatements
    var numbers: NumberStatements
  }

  /// This process among the replicas.
  let replica: Int64
  private let link: Link<Statements>
  private var ids = NumberBlock()
  private var attemptIDs = NumberBlock()
  private var places = NumberBlock()
  private var models = NameCache<String>()
  private var routes = NameCache<Route>()
  var pending = PendingRows()
  var silences = Silences()
  /// Of the open transaction.
  private var transaction: String?
  /// How many were begun.
  private(set) var count = 0

  private let isEnding: @Sendable () -> Bool

  /// - Parameter isEnding: Whether the process ends, so that nobody waits for what became of a commit any more.
  init(
    _ parameters: PostgresParameters, lease: Duration, replica: Int64, isEnding: @escaping @Sendable () -> Bool
  ) {
    self.replica = replica
    self.isEnding = isEnding
    link = Link(parameters, lease: lease, nameEnding: Self.nameEnding(of: replica)) { connection in
      Statements(
        admissions: try AdmissionStatements(connection), requests: try RequestStatements(connection),
        outcomes: try OutcomeStatements(connection), batches: try BatchStatements(connection),
        parked: try ParkedStatements(connection),
        replicas: try ReplicaStatements(connection), windows: try WindowStatements(connection),
        retention: try RetentionStatements(connection), places: PlaceStatements(connection),
        rescues: RescueStatements(connection), costs: CostStatements(connection),
        budgets: BudgetStatements(connection),
        numbers: try NumberStatements(connection))
    }
  }

  /// By which the others find its session.
  static func nameEnding(of replica: Int64) -> String { " writer \(replica)" }

  /// The one that there is.
  var connection: PostgresConnection? { link.connection }

  func statements() throws -> Statements { try link.open().statements }

  // MARK: Transactions

  /// Begins, and holds this replica's row until the end, so that nobody can take over meanwhile.
  func begin() throws {
    pending = PendingRows()
    let connection = try link.open().connection
    let row = try connection.simple(
      "BEGIN; SELECT pg_current_xact_id()::text FROM replica WHERE id = \(replica) FOR KEY SHARE")
    guard let number = row.text else { throw Fenced() }
    transaction = number
    count += 1
  }

  func commit() throws {
    try flush()
    guard let connection = link.connection else { throw PostgresFailure(.connectionLost, "the connection was lost") }
    // The server would take COMMIT for ROLLBACK, and say nothing.
    guard connection.transactionStatus == .inTransaction else {
      throw PostgresFailure(.other, "the transaction had failed")
    }
    do throws(PostgresFailure) {
      try connection.simple("UPDATE commit_mark SET number = \(count) WHERE replica = \(replica); COMMIT")
    } catch {
      guard error.kind == .connectionLost else { throw error }
      lose()
      guard let transaction, try fate(of: transaction, error) else { throw error }
    }
    transaction = nil
  }

  /// Whether a transaction was committed whose answer was lost. Asks until it is known: what it did must neither be done
  /// again nor be forgotten.
  private func fate(of transaction: String, _ failure: PostgresFailure) throws -> Bool {
    var pause: UInt32 = 50_000
    for _ in 0..<Self.fateTries where !isEnding() {
      do {
        let connection = try link.open().connection
        if try !isUnderWay(transaction, connection) {
          let mark = try connection.simple("SELECT number FROM commit_mark WHERE replica = \(replica)")
          guard let number = mark.text else { throw Fenced() }
          return number == "\(count)"
        }
      } catch let failure as PostgresFailure where failure.concernsStore {
        link.drop()
      }
      // This is the writer's own thread; no task waits on it but those whose transaction this is.
      usleep(pause)
      pause = min(pause * 2, 1_000_000)
    }
    throw failure
  }

  /// Whether the server still works on it. What became of it the number alone does not tell: a server that crashed may have
  /// given it out again, or not have come as far again, which it calls an error.
  private func isUnderWay(
    _ transaction: String, _ connection: PostgresConnection
  ) throws(PostgresFailure) -> Bool {
    do throws(PostgresFailure) {
      return try connection.simple("SELECT pg_xact_status('\(transaction)'::xid8)").text == "in progress"
    } catch {
      guard error.state == "22023" else { throw error }
      return false
    }
  }

  /// About an hour.
  private static let fateTries = 3600

  func rollBack() {
    transaction = nil
    pending = PendingRows()
    models.removeAll()
    routes.removeAll()
    guard let connection = link.connection else { return }
    do {
      try connection.simple("ROLLBACK")
    } catch {
      lose()
    }
  }

  /// A server that crashed may give out numbers again that no commit has used: those in hand are given up.
  private func lose() {
    link.drop()
    ids = NumberBlock()
    attemptIDs = NumberBlock()
    places = NumberBlock()
  }

  func mayRetry(_ error: any Error) -> Bool { (error as? PostgresFailure)?.mayBeRetried ?? false }

  func close() { link.drop() }

  // MARK: Numbers

  func makeID() throws -> Int64 { try ids.next { try statements().numbers.requestIDs() } }
  func makeAttemptID() throws -> Int64 { try attemptIDs.next { try statements().numbers.attemptIDs() } }
  /// Rises with every call for one urgency: replies of one replica are published in the order of their places.
  func makePlace(_ urgency: ReplyUrgency) throws -> Int64 {
    ReplyPlace.place(try places.next { try statements().numbers.outboxPlaces() }, urgency)
  }

  func id(ofModel name: String) throws -> Int64 {
    try models.id(of: name) { try statements().requests.idOfModel($0) }
  }

  func id(of route: Route) throws -> Int64 {
    try routes.id(of: route) { try statements().requests.idOfRoute($0) }
  }
}

/// This replica's row is gone: another has taken over.
struct Fenced: Error {}
