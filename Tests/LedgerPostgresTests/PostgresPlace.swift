import Foundation
import TestSupport
import Testing
import Threading

@testable import LedgerPostgres

/// A database of its own for a test's ledger. It is emptied afterwards and given to a later test: making one takes
/// longer than most tests, and dropping one even more.
final class PostgresPlace: Sendable {
  let url: String
  let database: String
  private let server: String
  /// Empty databases, by server.
  private static let free = Locked<[String: [String]]>([:])
  private static let cleanups = DispatchGroup()
  /// The process ends after those: a connect that meets the end of OpenSSL, which has its own `atexit`, crashes. Handlers
  /// run in the order opposite to their registration, so this is asked for when something has connected.
  private static let cleanupsEndFirst: Void = {
    atexit { _ = PostgresPlace.cleanups.wait(timeout: .now() + 30) }
  }()

  /// - Parameter server: The URL of a database of a user who may create others; without it that of `Deploy/test`.
  init(server: String? = nil) async throws {
    let server = try server ?? TestPostgres.url()
    let known = Self.free.withLock { $0[server]?.popLast() }
    let database = known ?? "test_\(UInt64.random(in: 0...UInt64.max))"
    self.server = server
    self.database = database
    url = try Self.url(of: database, on: server)
    if known != nil { return }
    try await onThread {
      let connection = try TestPostgres.connect(server)
      defer { connection.close() }
      try connection.simple("CREATE DATABASE \(database)")
    }
  }

  deinit {
    // No test waits for it; what is left goes with the server.
    _ = Self.cleanupsEndFirst
    Self.cleanups.enter()
    Thread.detachNewThread { [server, database, url] in
      defer { Self.cleanups.leave() }
      do {
        let connection = try TestPostgres.connect(url)
        defer { connection.close() }
        try Self.empty(connection, database)
        Self.free.withLock { $0[server, default: []].append(database) }
      } catch {
        guard let connection = try? TestPostgres.connect(server) else { return }
        _ = try? connection.simple("DROP DATABASE IF EXISTS \(database) WITH (FORCE)")
        connection.close()
      }
    }
  }

  private static func empty(_ connection: PostgresConnection, _ database: String) throws {
    // Whoever is still there could write into the next test.
    try connection.simple(
      """
      SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
      WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
      """)
    try connection.simple(
      """
      SET client_min_messages = warning; SET default_transaction_read_only = off; ALTER DATABASE \(database) RESET ALL;
      DROP SCHEMA IF EXISTS millrace CASCADE;
      DROP SCHEMA IF EXISTS public CASCADE;
      CREATE SCHEMA public
      """)
  }

  /// Runs the closure on a thread of its own with a connection to the database.
  func connected<Value: Sendable>(
    timeout: Duration = .seconds(30), _ body: @Sendable (PostgresConnection) throws -> Value
  ) async throws -> Value {
    try await onThread { [url] in
      let connection = try TestPostgres.connect(url, timeout: timeout)
      defer { connection.close() }
      return try body(connection)
    }
  }

  /// Runs commands in a session of their own.
  func run(_ commands: String) async throws {
    try await connected { connection in _ = try connection.simple(commands) }
  }

  /// Opens a ledger here, as another replica each time.
  func open(lease: Duration = .seconds(30), process: String? = nil) throws -> PostgresLedger {
    try PostgresLedger.open(url: url, lease: lease, process: process)
  }

  var place: LedgerPlace {
    LedgerPlace { [self] in try open() }
  }

  private static func url(of database: String, on server: String) throws -> String {
    var components = try #require(URLComponents(string: server))
    components.path = "/" + database
    return try #require(components.string)
  }
}
