import Testing

@testable import LedgerPostgres

@Suite("Postgres: statements", .timeLimit(.minutes(4)))
struct StatementTests {
  @Test func aStatementIsPreparedOnceAndUsedAgain() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1 + 1")
      #expect(connection.prepare("SELECT $1 + 1") === statement)
      for value in 0..<200 {
        statement.start().bind(value)
        #expect(try statement.first { try $0.int(0) } == value + 1)
      }
      let count = connection.prepare("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT $1 + 1'")
      #expect(try count.first { try $0.int(0) } == 1)
    }
  }

  @Test func itSurvivesFailuresOfItsOwnAndOfOthers() async throws {
    try await PostgresPlace().connected { connection throws in
      try connection.simple("CREATE TABLE item (id int8 PRIMARY KEY)")
      let insert = connection.prepare("INSERT INTO item VALUES ($1)")
      insert.start().bind(1)
      #expect(try insert.run() == 1)
      #expect(try failure { try insert.run() }.kind == .uniqueViolation)
      #expect(connection.transactionStatus == .idle)
      insert.start().bind(2)
      #expect(try insert.run() == 1)

      try connection.simple("BEGIN")
      #expect(connection.transactionStatus == .inTransaction)
      insert.start().bind(3)
      try insert.run()
      try connection.simple("SAVEPOINT s")
      insert.start().bind(1)
      #expect(try failure { try insert.run() }.kind == .uniqueViolation)
      #expect(connection.transactionStatus == .failed)
      #expect(try failure { try connection.simple("SELECT 1") }.state == "25P02")
      try connection.simple("ROLLBACK TO s; RELEASE s; COMMIT")
      #expect(connection.transactionStatus == .idle)
      let all = connection.prepare("SELECT id FROM item ORDER BY id")
      var ids: [Int64] = []
      try all.forEach { row in
        ids.append(try row.integer(0))
        return ids.count < 2
      }
      #expect(ids == [1, 2])
      #expect(try connection.simple("DELETE FROM item").changes == 3)
    }
  }

  @Test func itIsPreparedAnewWhenTheServerForgotIt() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1")
      statement.start().bind(1)
      try statement.run()
      try connection.simple("DEALLOCATE ALL")
      #expect(try failure { try statement.run() }.state == "26000")
      #expect(try statement.first { try $0.int(0) } == 1)
    }
  }

  @Test func typesMustStayAsTheyWere() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT $1")
      statement.start().bind(1)
      try statement.run()
      statement.start().bind("1")
      #expect(try failure { try statement.run() }.message.contains("other types"))
      statement.start()
      #expect(try failure { try statement.run() }.message.contains("other types"))
      statement.start().bindNull()
      #expect(try statement.first { $0.isNull(0) } == true)
    }
  }

  @Test func severalCommandsAreOneTransaction() async throws {
    try await PostgresPlace().connected { connection throws in
      let error = try failure {
        try connection.simple("CREATE TABLE a (x int); INSERT INTO a VALUES (1); SELECT nonsense; SELECT 1")
      }
      #expect(error.state == "42703")
      #expect(error.kind == .other)
      #expect(try failure { try connection.simple("SELECT * FROM a") }.kind == .missingTable)
      #expect(try connection.simple("SELECT 1; SELECT 2 AS x, 't'::bool")[0].integer(0) == 2)
      #expect(try failure { try connection.simple("COPY (SELECT 1) TO STDOUT") }.message.contains("COPY"))
      #expect(!connection.isOpen)
    }
  }

  @Test func theSessionIsSetUp() async throws {
    try await PostgresPlace().connected(timeout: .seconds(10)) { connection throws in
      func setting(_ name: String) throws -> String { try connection.simple("SHOW \(name)")[0].text(0) }
      #expect(try setting("statement_timeout") == "9s")
      #expect(try setting("idle_in_transaction_session_timeout") == "10s")
      #expect(try setting("client_encoding") == "UTF8")
      #expect(try setting("application_name") == "millrace")
      #expect(try setting("jit") == "off")
      #expect(connection.serverVersion >= 120_000)
    }
  }

  /// A database may say that a commit need not be on disk; a ledger does not take that.
  @Test func aCommitIsOnDiskWhateverTheDatabaseSays() async throws {
    let place = try await PostgresPlace()
    for (set, found) in [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")] {
      try await place.run("ALTER DATABASE \(place.database) SET synchronous_commit = \(set)")
      let now = try await place.connected { try $0.simple("SHOW synchronous_commit")[0].text(0) }
      #expect(now == found)
    }
  }

  @Test func aDatabaseOfAnotherEncodingIsRefused() async throws {
    let place = try await PostgresPlace()
    try await onThread {
      let connection = try TestPostgres.connect(place.url)
      let other = "\(place.database)_latin"
      try connection.simple(
        "CREATE DATABASE \(other) TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
      let url = place.url.replacing(place.database, with: other)
      let error = try failure { _ = try TestPostgres.connect(url) }
      // It goes with the server: to drop it now would wait for a checkpoint of all that other tests write.
      #expect(error.kind == .unsuitable)
      #expect(error.message.contains("LATIN1"))
    }
  }
}
