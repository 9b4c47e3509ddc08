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
    var replicas: ReplicaStatements
    var windows: WindowStatements
    var retention: RetentionStatements
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

  init(_ parameters: PostgresParameters, lease: Duration, replica: Int64) {
    self.replica = replica
    link = Link(parameters, lease: lease) { connection in
      Statements(
        admissions: try AdmissionStatements(connection), requests: try RequestStatements(connection),
        outcomes: try OutcomeStatements(connection), batches: try BatchStatements(connection),
        replicas: try ReplicaStatements(connection), windows: try WindowStatements(connection),
        retention: try RetentionStatements(connection), numbers: try NumberStatements(connection))
    }
  }

  func statements() throws -> Statements { try link.open().statements }

  // MARK: Transactions

  /// Begins, and holds this replica's row until the end, so that nobody can take over meanwhile.
  func begin() throws {
    pending = PendingRows()
    let connection = try link.open().connection
    let row = try connection.simple(
      "BEGIN; SELECT pg_current_xact_id()::text FROM replica WHERE id = \(replica) FOR KEY SHARE")
    guard let number = row.text(0, 0) else { throw Fenced() }
    transaction = number
    count += 1
  }

  func commit() throws {
    try flush()
    guard let connection = link.connection else { throw PostgresFailure.connectionLost("the connection was lost") }
    do {
      // The server answers ROLLBACK to a commit of a transaction that has failed.
      guard try connection.simple("COMMIT").command == "COMMIT" else {
        throw PostgresFailure.connectionLost("the transaction had failed")
      }
    } catch let failure as PostgresFailure where failure.isConnectionLost {
      link.drop()
      guard let transaction, try fate(of: transaction, failure) else { throw failure }
    }
    transaction = nil
  }

  /// Whether a transaction was committed whose answer was lost. Asks until it is known: what it did must neither be done
  /// again nor be forgotten.
  private func fate(of transaction: String, _ failure: PostgresFailure) throws -> Bool {
    var pause: UInt32 = 50_000
    for _ in 0..<Self.fateTries {
      do {
        let row = try link.open().connection.simple("SELECT pg_xact_status('\(transaction)'::xid8)")
        switch row.text(0, 0) {
        case "committed": return true
        case "in progress": break
        default: return false
        }
      } catch let failure as PostgresFailure where failure.isConnectionLost || failure.isTransient {
        link.drop()
      }
      usleep(pause)
      pause = min(pause * 2, 1_000_000)
    }
    throw failure
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
      link.drop()
    }
  }

  func mayRetry(_ error: any Error) -> Bool { (error as? PostgresFailure)?.mayRetry ?? false }

  func close() { link.drop() }

  // MARK: Numbers

  func makeID() throws -> Int64 { try ids.next { try statements().numbers.requestIDs() } }
  func makeAttemptID() throws -> Int64 { try attemptIDs.next { try statements().numbers.attemptIDs() } }
  /// Rises with every call: replies of one replica are published in the order of their places.
  func makePlace() throws -> Int64 { try places.next { try statements().numbers.outboxPlaces() } }

  func id(ofModel name: String) throws -> Int64 {
    try models.id(of: name) { try statements().requests.idOfModel($0) }
  }

  func id(of route: Route) throws -> Int64 {
    try routes.id(of: route) { try statements().requests.idOfRoute($0) }
  }
}

/// This replica's row is gone: another has taken over.
struct Fenced: Error {}
