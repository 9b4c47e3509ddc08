import BatchCore
public import Ledger
import LedgerRules
import Threading

/// A ledger in a Postgres database that several replicas share.
///
/// One connection writes, and calls that arrive while it commits share the next commit; three read beside it,
/// one of them what is due, which may be much, one asks the gates that replicas share, and one keeps the lease. Each has a thread of its own, and is made again when it is lost. What a commit did whose answer was lost is
/// found out before anything goes on.
///
/// Close it when done. One that is dropped without is to the others a replica that has died.
public final class PostgresLedger: LedgerStore {
  let commits: GroupCommit<WriteSession>
  let writer: SessionThread<WriteSession>
  let rows: ReadSession<RowReader>
  let outbox: ReadSession<OutboxReader>
  let gates: ReadSession<GateStatements>
  let deadlines: ReadSession<DeadlineReader>
  /// A report of many days keeps no other read waiting.
  let costs: ReadSession<CostReader>
  let lease: LeaseKeeper
  let mapping: ErrorMapping
  let replica: Int64
  /// Read and written by the outbox's thread.
  let cursors = Locked(ReplyCursors())
  private let isClosed = Locked(false)
  private let isEnding: Locked<Bool>

  /// Connects, makes or migrates the tables, and joins the replicas. Blocks while it does.
  ///
  /// - Parameters:
  ///   - url: As libpq reads it, `postgres://user:password@host:port/database?sslmode=verify-full`.
  ///   - lease: How long this replica may be silent before the others take its work over; by the server's clock.
  ///   - process: Names the process, so that another on this machine can tell that it has ended; for tests.
  ///   - note: Told in a line what goes on while the tables are migrated, which may take minutes.
  /// - Throws: `LedgerError` with one line that says what to do.
  public static func open(
    url: String, lease: Duration = .seconds(30), process: String? = nil, note: @escaping (String) -> Void = { _ in }
  ) throws(LedgerError) -> PostgresLedger {
    let mapping = try mapping(of: url)
    do {
      // With short leases a server that falls silent is to be noticed sooner as well.
      let parameters = try PostgresParameters(
        url: url, statementTimeout: min(max(lease, .seconds(10)), .seconds(30)))
      _ = try Migration.run(parameters, place: mapping.name, note: note)
      let takenAt = ContinuousClock.now
      let replica = try join(parameters, lease: lease, process: process ?? ProcessIdentity.current.text)
      return PostgresLedger(parameters, mapping, replica: replica, lease: lease, takenAt: takenAt)
    } catch {
      throw mapping(error)
    }
  }

  /// Makes or migrates the tables and does nothing else. Returns a line for people.
  ///
  /// - Parameter note: Told in a line what goes on meanwhile, which may take minutes.
  public static func migrate(
    url: String, note: @escaping (String) -> Void = { _ in }
  ) throws(LedgerError) -> String {
    let mapping = try mapping(of: url)
    do {
      let outcome = try Migration.run(try PostgresParameters(url: url), place: mapping.name, note: note)
      return outcome.found == outcome.now
        ? "ledger \(mapping.name) has schema version \(outcome.now): nothing to do"
        : "ledger \(mapping.name) went from schema version \(outcome.found) to \(outcome.now)"
    } catch {
      throw mapping(error)
    }
  }

  /// Looks at the database and changes nothing. Returns a line for people.
  public static func inspect(url: String) throws(LedgerError) -> String {
    let mapping = try mapping(of: url)
    do {
      let connection = try PostgresConnection(try PostgresParameters(url: url))
      defer { connection.close() }
      return try Migration(connection: connection, place: mapping.name).inspect()
    } catch {
      throw mapping(error)
    }
  }

  private static func mapping(of url: String) throws(LedgerError) -> ErrorMapping {
    do throws(PostgresFailure) {
      return ErrorMapping(name: try PostgresParameters(url: url).name)
    } catch {
      throw LedgerError(.unusable, "ledger.url cannot be used: \(error.message)")
    }
  }

  private static func join(
    _ parameters: PostgresParameters, lease: Duration, process: String
  ) throws -> Int64 {
    let connection = try PostgresConnection(parameters)
    defer { connection.close() }
    let join = connection.prepare(
      """
      WITH joined AS (
        INSERT INTO millrace.replica(process, lease_ms) VALUES ($1::text, $2::bigint) RETURNING id
      )
      INSERT INTO millrace.commit_mark(replica, number) SELECT id, 0 FROM joined RETURNING replica
      """)
    join.start().bind(process)
    join.bind(lease.wholeMilliseconds)
    guard let id = try join.first({ try $0.integer(0) }) else { throw DamagedTables("a replica") }
    return id
  }

  private init(
    _ parameters: PostgresParameters, _ mapping: ErrorMapping, replica: Int64, lease: Duration,
    takenAt: ContinuousClock.Instant
  ) {
    self.mapping = mapping
    self.replica = replica
    let keeper = LeaseKeeper(parameters, replica: replica, duration: lease, takenAt: takenAt)
    self.lease = keeper
    let isEnding = Locked(false)
    self.isEnding = isEnding
    let thread = SessionThread(
      name: "ledger writer",
      session: WriteSession(parameters, lease: lease, replica: replica) { isEnding.withLock { $0 } })
    writer = thread
    commits = GroupCommit(
      closed: mapping.closed,
      mapping: { error in
        let mapped = mapping(error)
        if mapped.reason == .fenced { keeper.noteLoss() }
        return mapped
      }, enqueue: { thread.enqueue($0) })
    rows = ReadSession(parameters, lease: lease, name: "ledger rows", mapping: mapping) { try RowReader($0) }
    gates = ReadSession(parameters, lease: lease, name: "ledger gates", mapping: mapping) { GateStatements($0) }
    deadlines = ReadSession(parameters, lease: lease, name: "ledger due", mapping: mapping) { DeadlineReader($0) }
    costs = ReadSession(parameters, lease: lease, name: "ledger costs", mapping: mapping) { CostReader($0) }
    outbox = ReadSession(parameters, lease: lease, name: "ledger outbox", mapping: mapping) { try OutboxReader($0) }
  }

  public func stopWaiting() { isEnding.withLock { $0 = true } }

  /// Refuses new calls, ends those that run, and leaves the replicas: the others take over at once what is left.
  public func close() async {
    if isClosed.withLock({ closed in
      defer { closed = true }
      return closed
    }) {
      return
    }
    stopWaiting()
    await lease.stop()
    _ = try? await commits.perform(rows: 1) { try $0.leave() }
    await commits.close()
    await rows.close()
    await outbox.close()
    await gates.close()
    await deadlines.close()
    await costs.close()
    writer.enqueue { $0.close() }
    await writer.stop()
  }

  public func describe() async throws(LedgerError) -> String {
    let server = try await rows.read { try $0.server() }
    return
      "Postgres ledger \(mapping.name), server \(server.version), schema version \(server.schema), replicas: \(server.replicas)"
  }
}
