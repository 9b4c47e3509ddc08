import Foundation
import Ledger
import TestSupport

@testable import LedgerPostgres

/// A database of its own for a test's ledger, dropped with it.
final class PostgresPlace: Sendable {
  let url: String
  private let name: String
  private let server: String

  /// - Throws: when `MILLRACE_TEST_POSTGRES_URL` names no server on which databases can be made; `Deploy/test` starts one.
  init() throws {
    guard let server = ProcessInfo.processInfo.environment["MILLRACE_TEST_POSTGRES_URL"] else {
      throw MissingServer()
    }
    self.server = server
    name = "millrace_test_\(UUID().uuidString.lowercased().filter { $0 != "-" })"
    let connection = try PostgresConnection(try PostgresParameters(url: server))
    defer { connection.close() }
    try connection.simple("CREATE DATABASE \(name)")
    url = try Self.url(server, database: name)
  }

  deinit {
    guard let parameters = try? PostgresParameters(url: server), let connection = try? PostgresConnection(parameters)
    else { return }
    defer { connection.close() }
    _ = try? connection.simple("DROP DATABASE IF EXISTS \(name) WITH (FORCE)")
  }

  private static func url(_ server: String, database: String) throws -> String {
    guard var parts = URLComponents(string: server) else { throw MissingServer() }
    parts.path = "/\(database)"
    guard let url = parts.string else { throw MissingServer() }
    return url
  }

  func open(lease: Duration = .seconds(30), process: String? = nil) throws -> PostgresLedger {
    try PostgresLedger.open(url: url, lease: lease, process: process)
  }

  var place: LedgerPlace {
    LedgerPlace { [self] in try open() }
  }
}

struct MissingServer: Error, CustomStringConvertible {
  var description: String {
    "MILLRACE_TEST_POSTGRES_URL names no Postgres server; run Deploy/test, or set it to postgres://user:password@host/postgres"
  }
}
