import Foundation
import Testing
import Threading

@testable import LedgerPostgres

/// The server that `Deploy/test` starts for the tests.
enum TestPostgres {
  struct Missing: Error, CustomStringConvertible {
    var description: String
  }

  static func url() throws -> String { try variable("MILLRACE_TEST_POSTGRES_URL") }

  /// The folder that `postgres.sh start` was given.
  static func folder() throws -> String { try variable("MILLRACE_TEST_POSTGRES_DIR") }

  private static func variable(_ name: String) throws -> String {
    guard let value = ProcessInfo.processInfo.environment[name], !value.isEmpty else {
      throw Missing(description: "\(name) is not set: run Deploy/test, or start a server with Deploy/lib/postgres.sh")
    }
    return value
  }

  static func connect(
    _ url: String, timeout: Duration = .seconds(30)
  ) throws -> PostgresConnection {
    try PostgresConnection(PostgresParameters(url: url, statementTimeout: timeout))
  }

  /// Runs `postgres.sh` and requires that it succeeds.
  static func script(_ command: String, _ folder: String) async throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Deploy/lib/postgres.sh").resolvingSymlinksInPath()
    let words = ["sh", script.path, command, folder]
    let status = try await onThread { run(words) }
    try #require(status == 0, "postgres.sh \(command) failed")
  }

  private static func run(_ words: [String]) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    guard posix_spawn(&process, "/bin/sh", &actions, nil, &arguments, environ) == 0 else { return -1 }
    var status: Int32 = -1
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status
  }
}

/// Runs what blocks on a thread of its own, with the test it belongs to.
func onThread<Value: Sendable>(_ body: @Sendable () throws -> Value) async throws -> Value {
  let thread = EventThread(name: "test.postgres")
  let result = await Blocking(thread).result(of: body)
  await thread.stop()
  return try result.get()
}

private actor Blocking {
  private let thread: EventThread

  init(_ thread: EventThread) {
    self.thread = thread
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func result<Value: Sendable>(of body: @Sendable () throws -> Value) -> Result<Value, any Error> {
    Result { try body() }
  }
}

/// Requires that something fails as `PostgresFailure`, and returns the failure.
func failure(
  _ what: String = "it succeeded", _ location: SourceLocation = #_sourceLocation, of body: () throws -> Void
) throws -> PostgresFailure {
  do {
    try body()
  } catch let error as PostgresFailure {
    return error
  }
  throw TestPostgres.Missing(description: "\(what) at line \(location.line), instead of a failure")
}
