import Foundation
import Ledger
import Testing
import Threading

@testable import LedgerPostgres

@Suite("Postgres: failures", .timeLimit(.minutes(4)))
struct FailureTests {
  @Test func aKilledServerIsALostConnectionAndANewOneWorks() async throws {
    try await PrivatePostgres.with { server in
      let url = try server.url()
      let place = try await PostgresPlace(server: url)
      let thread = EventThread(name: "test.postgres")
      let session = Session(thread, place.url)
      try await session.use { connection throws in
        try connection.simple("CREATE TABLE item (id int8)")
        try connection.simple("BEGIN")
        try connection.simple("INSERT INTO item VALUES (1)")
      }
      try await server.script("kill")
      try await session.use { connection throws in
        let error = try failure { try connection.simple("COMMIT") }
        #expect(error.kind == .connectionLost, "\(error)")
        #expect(!connection.isOpen)
        #expect(connection.transactionStatus == .unknown)
        #expect(try failure { try connection.simple("SELECT 1") } == .closed)
        #expect(try failure { try connection.prepare("SELECT 1").run() } == .closed)
        let refused = try failure { _ = try TestPostgres.connect(url) }
        #expect(refused.kind == .connectionLost, "\(refused)")
        #expect(refused.message.contains("refused"), "\(refused)")
      }
      try await server.script("start")
      let count = try await place.connected { try $0.prepare("SELECT count(*) FROM item").first { try $0.int(0) } }
      #expect(count == 0)

      // A stop in order says why.
      try await session.reopen()
      try await session.use { connection throws in _ = try connection.simple("SELECT 1") }
      try await server.script("restart")
      try await session.use { connection throws in
        let error = try failure { try connection.simple("SELECT 1") }
        #expect(error.kind == .connectionLost)
        #expect(error.state == "57P01", "\(error)")
      }
      await thread.stop()
    }
  }

  /// As with a peer that is gone without a word: nothing comes, and nothing says so.
  @Test func aFrozenServerIsALostConnection() async throws {
    let place = try await PostgresPlace()
    try await place.connected(timeout: .seconds(2)) { connection throws in
      let backend = pid_t(try connection.simple("SELECT pg_backend_pid()")[0].integer(0))
      #expect(kill(backend, SIGSTOP) == 0)
      defer { kill(backend, SIGCONT) }
      let start = ContinuousClock.now
      // More than the socket's buffers take, so that the sending waits too.
      let statement = connection.prepare("SELECT length($1)")
      statement.start().bind([UInt8](repeating: 1, count: 64 << 20))
      let error = try failure { try statement.run() }
      #expect(error.kind == .connectionLost)
      #expect(error.message.contains("no answer within"), "\(error)")
      #expect(ContinuousClock.now - start >= .seconds(2))
      #expect(!connection.isOpen)
    }
  }

  @Test func largeParametersAreSentWhileTheAnswersAreRead() async throws {
    let place = try await PostgresPlace()
    let bytes = [UInt8](repeating: 1, count: 100 << 20)
    try await place.connected { connection throws in
      let statement = connection.prepare("SELECT $1")
      statement.start().bind(bytes)
      #expect(try statement.execute()[0].size(0) == bytes.count)
    }
  }

  @Test func aStatementThatTakesTooLongIsCancelledByTheServer() async throws {
    try await PostgresPlace().connected(timeout: .seconds(2)) { connection throws in
      let error = try failure { try connection.simple("SELECT pg_sleep(60)") }
      #expect(error.kind == .cancelled, "\(error)")
      #expect(error.state == "57014")
      #expect(try connection.simple("SELECT 1")[0].integer(0) == 1)
      try connection.simple("SET statement_timeout = 0")
      #expect(try failure { try connection.simple("SELECT pg_sleep(60)") }.kind == .connectionLost)
    }
  }

  @Test func aFrozenClientLosesItsTransaction() async throws {
    // Short enough to wait for, and longer than a busy machine needs for one statement.
    try await PostgresPlace().connected(timeout: .seconds(2)) { connection throws in
      try connection.simple("BEGIN")
      let backend = try connection.simple("SELECT pg_backend_pid()")[0].integer(0)
      // As long as the session's process is there.
      while kill(pid_t(backend), 0) == 0 { usleep(1000) }
      let error = try failure { try connection.simple("COMMIT") }
      #expect(error.kind == .connectionLost)
      #expect(error.state == "25P03", "\(error)")
    }
  }

  @Test func aDeadlockMayBeRetried() async throws {
    let place = try await PostgresPlace()
    try await place.run("CREATE TABLE item AS SELECT id, 0 AS n FROM generate_series(1, 2) id")
    let bothHoldOne = Rendezvous(2)
    func lock(_ first: Int, _ second: Int) async throws -> PostgresFailure? {
      try await place.connected { connection throws in
        let update = connection.prepare("UPDATE item SET n = n + 1 WHERE id = $1::int8")
        try connection.simple("BEGIN")
        update.start().bind(first)
        try update.run()
        bothHoldOne.arrive()
        update.start().bind(second)
        do {
          try update.run()
          try connection.simple("COMMIT")
          return nil
        } catch let error as PostgresFailure {
          #expect(connection.transactionStatus == .failed)
          try connection.simple("ROLLBACK")
          return error
        }
      }
    }
    async let one = lock(1, 2)
    async let other = lock(2, 1)
    let failures = try await [one, other].compactMap { $0 }
    #expect(failures.count == 1)
    #expect(failures.first?.state == "40P01")
    #expect(failures.first?.mayBeRetried == true)
    let sum = try await place.connected { try $0.prepare("SELECT sum(n)::int8 FROM item").first { try $0.int(0) } }
    #expect(sum == 2)
  }

  @Test func aSerializationFailureMayBeRetried() async throws {
    let place = try await PostgresPlace()
    try await place.connected { connection throws in
      try connection.simple("CREATE TABLE item AS SELECT 1 AS id, 0 AS n")
      let other = try TestPostgres.connect(place.url)
      defer { other.close() }
      for session in [connection, other] {
        try session.simple("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM item")
      }
      try connection.simple("UPDATE item SET n = 1; COMMIT")
      let error = try failure { try other.simple("UPDATE item SET n = 2") }
      #expect(error.state == "40001")
      #expect(error.mayBeRetried)
    }
  }

  @Test func eachFailureHasItsKind() async throws {
    let place = try await PostgresPlace()
    try await place.connected { connection throws in
      try connection.simple("CREATE TABLE item (id int8 PRIMARY KEY CHECK (id > 0), name varchar(3) NOT NULL)")
      let other = try TestPostgres.connect(place.url)
      defer { other.close() }
      try other.simple("BEGIN; LOCK TABLE item")
      let cases: [(String, PostgresFailure.Kind, LedgerError.Reason)] = [
        ("SET lock_timeout = 1; SELECT * FROM item", .lockTimeout, .unavailable),
        ("SELECT * FROM nothing", .missingTable, .unusable),
        ("SELECT * FROM nothing.at_all", .missingTable, .unusable),
        ("SELEC", .other, .unusable),
        ("SELECT 1 / 0", .other, .invalid),
        ("BEGIN READ ONLY; CREATE TABLE x ()", .readOnly, .unavailable),
        ("ROLLBACK; SELECT pg_read_file('postgresql.conf')", .permission, .unavailable),
      ]
      let mapping = ErrorMapping(name: "postgres://m@db/m")
      for (sql, kind, reason) in cases {
        let error = try failure(sql) { try connection.simple(sql) }
        #expect(error.kind == kind, "\(sql): \(error)")
        let mapped = mapping(error)
        #expect(mapped.reason == reason, "\(sql): \(mapped)")
        #expect(mapped.message.hasPrefix("ledger postgres://m@db/m "))
        #expect(mapped.message.contains(error.state))
      }
      try other.simple("ROLLBACK")
      try connection.simple("SET lock_timeout = 0")
      let insert = connection.prepare("INSERT INTO item VALUES ($1, $2)")
      func insertion(_ id: Int, _ name: String?) throws -> PostgresFailure {
        insert.start().bind(id)
        insert.bind(name)
        return try failure { try insert.run() }
      }
      #expect(try insertion(-1, "a").kind == .constraintViolation)
      #expect(try insertion(1, nil).kind == .constraintViolation)
      #expect(try insertion(1, "too long").state == "22001")
    }
  }

  @Test func messagesAreOneLineWithoutValues() async throws {
    try await PostgresPlace().connected { connection throws in
      let cast = connection.prepare("SELECT $1::text::int8")
      cast.start().bind("my secret\nvalue")
      let error = try failure { try cast.run() }
      #expect(error.state == "22P02")
      #expect(!error.message.contains("secret"))
      #expect(!error.message.contains("\n"))
      try connection.simple("CREATE TABLE item (key text UNIQUE)")
      let insert = connection.prepare("INSERT INTO item VALUES ($1)")
      insert.start().bind("my secret")
      try insert.run()
      #expect(try !failure { try insert.run() }.message.contains("secret"))
      let raised = try failure {
        try connection.simple("DO $$ BEGIN RAISE EXCEPTION E'a\\n  b\\tc\\r\\n\\n d'; END $$")
      }
      #expect(raised.message == "a; b c; d")
    }
  }

  @Test func statesHaveTheirKinds() {
    let expected: [(String, PostgresFailure.Kind)] = [
      ("53100", .diskFull), ("53300", .tooManyConnections), ("53200", .outOfResources), ("57P02", .connectionLost),
      ("57P03", .connectionLost), ("08006", .connectionLost), ("28P01", .authentication), ("28000", .authentication),
      ("3D000", .missingDatabase), ("58030", .inputOutput), ("XX001", .damaged), ("XX000", .other),
    ]
    for (state, kind) in expected { #expect(PostgresFailure(state: state, message: "m").kind == kind, "\(state)") }
  }
}

/// A connection that lives through several steps of a test, on one thread.
private actor Session {
  private let thread: EventThread
  private let url: String
  private var connection: PostgresConnection?

  init(_ thread: EventThread, _ url: String) {
    self.thread = thread
    self.url = url
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func reopen() throws { connection = try TestPostgres.connect(url) }

  func use(_ body: @Sendable (PostgresConnection) throws -> Void) throws {
    if connection == nil { try reopen() }
    if let connection { try body(connection) }
  }
}

/// Where so many threads wait for each other.
private final class Rendezvous: @unchecked Sendable {
  private let condition = NSCondition()
  private var missing: Int

  init(_ count: Int) {
    missing = count
  }

  func arrive() {
    condition.lock()
    missing -= 1
    condition.broadcast()
    while missing > 0 { condition.wait() }
    condition.unlock()
  }
}
