import Foundation
import TestSupport
import Threading

@testable import LedgerPostgres

/// A database of a test's own on the server that `Deploy/test` starts.
struct SharedDatabase: Sendable {
  let url: String
  private let name = "worker_\(UInt64.random(in: 0...UInt64.max))"
  private let server: String

  init() async throws {
    guard let server = ProcessInfo.processInfo.environment["MILLRACE_TEST_POSTGRES_URL"],
      var components = URLComponents(string: server)
    else {
      throw TestTimeout(
        "MILLRACE_TEST_POSTGRES_URL is not set: run Deploy/test, or start a server with Deploy/lib/postgres.sh")
    }
    self.server = server
    components.path = "/" + name
    guard let url = components.string else { throw TestTimeout("no URL") }
    self.url = url
    try await run("CREATE DATABASE \(name)")
  }

  /// What is left goes with the server.
  func drop() async { try? await run("DROP DATABASE IF EXISTS \(name) WITH (FORCE)") }

  private func run(_ command: String) async throws {
    let done = OneShot<String?>()
    // It blocks, so it has a thread of its own.
    Thread.detachNewThread { [server] in
      do {
        let connection = try PostgresConnection(PostgresParameters(url: server))
        defer { connection.close() }
        try connection.simple(command)
        done.succeed(nil)
      } catch {
        done.succeed("\(error)")
      }
    }
    if let problem = await done.value { throw TestTimeout(problem) }
  }
}
