import Foundation
import TestSupport
import Testing

@testable import LedgerPostgres

/// A database of its own for a test's ledger, dropped with it.
final class PostgresPlace: Sendable {
  let url: String
  let database: String
  private let server: String

  /// - Parameter server: The URL of a database of a user who may create others; without it that of `Deploy/test`.
  init(server: String? = nil) async throws {
    let server = try server ?? TestPostgres.url()
    let database = "test_\(UInt64.random(in: 0...UInt64.max))"
    self.server = server
    self.database = database
    url = try Self.url(of: database, on: server)
    try await onThread {
      let connection = try TestPostgres.connect(server)
      defer { connection.close() }
      try connection.simple("CREATE DATABASE \(database)")
    }
  }

  deinit {
    // Not waited for; what is left goes with the server.
    Thread.detachNewThread { [server, database] in
      guard let connection = try? TestPostgres.connect(server) else { return }
      _ = try? connection.simple("DROP DATABASE IF EXISTS \(database) WITH (FORCE)")
      connection.close()
    }
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
