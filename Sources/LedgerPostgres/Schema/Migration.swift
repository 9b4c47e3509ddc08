import BatchCore
import Ledger
import LedgerRules

/// Brings the tables to this program's version. Several processes may try at once: one does it and the others wait.
struct Migration {
  let connection: PostgresConnection
  let place: String
  /// How long one of its statements waits for a table that others use: whoever comes after it waits for that long too.
  var lockTimeout = Duration.seconds(10)
  /// Told what goes on while it may take long, in a line.
  var note: (String) -> Void = { _ in }

  /// How long the steps of a large ledger may take, each.
  static let longest = Duration.seconds(7 * 86_400)

  /// Migrates in a session of its own, which is given the time that it takes.
  static func run(
    _ parameters: PostgresParameters, place: String, lockTimeout: Duration = .seconds(10),
    note: @escaping (String) -> Void = { _ in }
  ) throws -> Outcome {
    var parameters = parameters
    parameters.answerTimeout = longest
    let connection = try PostgresConnection(parameters)
    defer { connection.close() }
    return try Migration(connection: connection, place: place, lockTimeout: lockTimeout, note: note).run()
  }

  /// "MLRC"
  private static let lock: Int64 = 0x4D4C_5243

  /// What was there before, and what is there now.
  struct Outcome: Equatable {
    var found: Int64
    var now: Int64
  }

  func run() throws -> Outcome {
    // Seen before the lock is asked for, so that a role without rights to create can serve.
    if let found = try version(), found >= Schema.version {
      try check(found)
      return Outcome(found: found, now: found)
    }
    // An index of a large table takes longer than any statement of the service may, and so does another that migrates.
    try connection.simple(
      """
      BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
      SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0
      """)
    do {
      let isFirst = try connection.simple("SELECT pg_try_advisory_xact_lock(\(Self.lock))").text == "t"
      if !isFirst {
        note("ledger \(place): another process migrates it; waiting for that")
        try connection.simple("SELECT pg_advisory_xact_lock(\(Self.lock))")
      }
      try connection.simple("SET LOCAL lock_timeout = \(max(1, lockTimeout.wholeMilliseconds))")
      let found = try version() ?? 0
      try check(found)
      if found < Schema.version {
        if found == 0 {
          try begin()
        } else {
          note(
            "ledger \(place) is migrated from schema version \(found) to \(Schema.version): a large one takes minutes, in "
              + "which replicas of the older version wait")
        }
        try connection.simple("SET LOCAL search_path = millrace")
        for step in Schema.steps[Int(found)...] { try connection.simple(step) }
        try connection.simple(
          """
          INSERT INTO meta(name, value) VALUES ('version', \(Schema.version))
          ON CONFLICT (name) DO UPDATE SET value = excluded.value
          """)
      }
      try connection.simple("COMMIT")
      return Outcome(found: found, now: Schema.version)
    } catch {
      // The error that brought us here says more than one of this.
      _ = try? connection.simple("ROLLBACK")
      throw error
    }
  }

  /// A line about what is there; changes nothing.
  func inspect() throws -> String {
    let server = try connection.simple("SELECT current_setting('server_version')").text ?? "unknown"
    guard let found = try version() else {
      return "Postgres ledger \(place), server \(server): no tables yet; serve or 'millrace ledger migrate' makes them"
    }
    try check(found)
    let what =
      found < Schema.version
      ? "schema version \(found), to be migrated to \(Schema.version)" : "schema version \(found)"
    return "Postgres ledger \(place), server \(server), \(what)"
  }

  private func begin() throws {
    try connection.simple(
      """
      CREATE SCHEMA IF NOT EXISTS millrace;
      CREATE TABLE IF NOT EXISTS millrace.meta(name text PRIMARY KEY, value bigint NOT NULL)
      """)
  }

  /// Nil where there are no tables yet.
  private func version() throws -> Int64? {
    // The rows and not to_regclass, which would answer from what the session has learned before it waited for the lock.
    let table = try connection.simple(
      """
      SELECT c.relname::text FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'millrace' AND c.relname = 'meta'
      """)
    guard table.text != nil else { return nil }
    let text = try connection.simple("SELECT value FROM millrace.meta WHERE name = 'version'").text
    return text.flatMap { Int64($0) }
  }

  private func check(_ found: Int64) throws {
    guard found <= Schema.version else {
      throw LedgerError(
        .unusable,
        "ledger \(place) has schema version \(found), this program knows up to \(Schema.version); run the newer program again"
      )
    }
  }
}
