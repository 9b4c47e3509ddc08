import BatchCore
import Ledger
import LedgerPostgres
import TestSupport

@testable import Worker

/// Workers that share a ledger in Postgres, a provider and a clock. Each has queues and a publisher of its own.
final class Replicas {
  let clock = TestClock()
  let provider: ScriptedProvider
  private(set) var all: [Pipeline] = []

  private init(_ provider: ScriptedProvider) {
    self.provider = provider
  }

  var first: Pipeline { all[0] }
  var second: Pipeline { all[1] }

  /// Runs the test against two started workers, and checks afterwards that the provider has nothing to complain about.
  static func run(
    _ provider: ScriptedProvider = ScriptedProvider(), configure: (Pipeline) -> Void = { _ in },
    _ test: (Replicas) async throws -> Void
  ) async throws {
    let database = try await SharedDatabase()
    let replicas = Replicas(provider)
    let result: Result<Void, any Error>
    do {
      for _ in 0..<2 {
        let pipeline = try Pipeline(provider, clock: replicas.clock) { try PostgresLedger.open(url: database.url) }
        pipeline.configuration.deferredWindow.idle = .seconds(2)
        pipeline.configuration.deferredWindow.maximumAge = .seconds(600)
        configure(pipeline)
        replicas.all.append(pipeline)
      }
      for pipeline in replicas.all { pipeline.start() }
      // What one finds at its start must not be what the other has just accepted.
      for pipeline in replicas.all {
        try await eventually("the start") { pipeline.ledger.count(.acceptedRows) > 0 }
        try await pipeline.quiet()
      }
      try await test(replicas)
      result = .success(())
    } catch {
      result = .failure(error)
    }
    var ended: [any Error] = []
    for pipeline in replicas.all {
      do { try await pipeline.end(provider) } catch { ended.append(error) }
    }
    await database.drop()
    try result.get()
    if let error = ended.first { throw error }
    if !provider.complaints.isEmpty { throw TestTimeout("the provider complains: \(provider.complaints)") }
  }

  /// One process dies. To the other it is gone at once, as a dead process of the same machine is.
  func kill(_ pipeline: Pipeline) async throws {
    try await pipeline.kill()
    await pipeline.ledger.close()
  }

  /// As `Pipeline.until`, with the work of all.
  func until(_ what: String, _ condition: () throws -> Bool) async throws {
    var quiet = 0
    var calls = 0
    try await eventually("\(what); \(all.map(\.diagnosis))") {
      if try condition() { return true }
      let isIdle = all.allSatisfy { $0.ledger.inFlight == 0 }
      let now = all.reduce(0) { $0 + $1.ledger.calls }
      quiet = isIdle && now == calls ? quiet + 1 : 0
      calls = now
      if quiet >= 3 {
        quiet = 0
        clock.advanceToNext()
      }
      return false
    }
  }

  /// Replies that were confirmed, of all.
  func replies() throws -> [Reply] { try all.flatMap { try $0.replies() } }
}
