import BatchCore
import Dispatch
import Foundation
import Ledger
import LedgerRules
import TestSupport
import Testing
import Threading
import Wire

@testable import LedgerPostgres

@Suite("Commits whose answer is lost", .serialized, .timeLimit(.minutes(5)))
struct CommitFateTests {
  /// The URL of the same database through a relay, where the relay can read along.
  private func url(_ url: String, through proxy: CommitProxy) throws -> String {
    var components = try #require(URLComponents(string: url))
    components.port = Int(proxy.port)
    components.query = "sslmode=disable"
    return try #require(components.string)
  }

  private func port(of url: String) throws -> UInt16 {
    UInt16(try #require(URLComponents(string: url)?.port))
  }

  /// Adds one where nothing but the outcome of the commit tells whether it was done.
  private static func count(_ ledger: PostgresLedger) async throws(LedgerError) {
    try await ledger.commits.perform(rows: 1) { session in
      _ = try session.statements()
      _ = try session.connection?.simple("UPDATE millrace.tally SET n = n + 1")
    }
  }

  @Test("what was committed is reported as done, and nothing else is")
  func proxied() async throws {
    let place = try await PostgresPlace()
    let fates = Locked<[CommitProxy.Fate: Int]>([:])
    let isArmed = Locked(false)
    let proxy = try CommitProxy(to: try port(of: place.url)) {
      guard isArmed.withLock({ $0 }), let fate = CommitProxy.Fate.allCases.randomElement() else { return .passes }
      fates.withLock { $0[fate, default: 0] += 1 }
      return fate
    }
    let through = try url(place.url, through: proxy)
    let ledger = try await onThread { try PostgresLedger.open(url: through) }
    try await place.run("CREATE TABLE millrace.tally(n bigint NOT NULL); INSERT INTO millrace.tally VALUES (0)")
    isArmed.withLock { $0 = true }
    var done = 0
    for _ in 0..<250 {
      do throws(LedgerError) {
        try await Self.count(ledger)
        done += 1
      } catch {
        try requireEqual(error.reason, .unavailable)
      }
    }
    isArmed.withLock { $0 = false }
    let found = try await place.connected { Int(try $0.simple("SELECT n FROM millrace.tally").text ?? "") }
    #expect(found == done)
    let seen = fates.withLock { $0 }
    // Whatever the server got counts, and what it did not get was done by nobody.
    #expect(done == seen.filter { $0.key != .cutBefore }.values.reduce(0, +))
    #expect(seen.count == CommitProxy.Fate.allCases.count)
    await ledger.close()
    proxy.close()
  }

  @Test("sessions that are ended at any moment cost no admission and double none")
  func terminated() async throws {
    let place = try await PostgresPlace()
    let ledger = try await onThread { try place.open() }
    let now = Timestamp(milliseconds: 1_700_000_000_000)
    try await place.run("CREATE TABLE millrace.tally(n bigint NOT NULL); INSERT INTO millrace.tally VALUES (0)")
    let isOver = Locked(false)
    let ends = try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask {
        try await place.connected { connection in
          var ends = 0
          while !isOver.withLock({ $0 }) {
            let ended = try connection.simple(
              """
              SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)), pg_sleep(random() * 0.01) FROM pg_stat_activity
              WHERE datname = current_database() AND application_name LIKE '% writer %'
              """)
            ends += Int(ended.text ?? "") ?? 0
          }
          return ends
        }
      }
      group.addTask {
        defer { isOver.withLock { $0 = true } }
        var done = 0
        var admitted = 0
        for number in 0..<400 {
          do throws(LedgerError) {
            try await Self.count(ledger)
            done += 1
            let request = TestDelivery("k\(number)").request(at: now)
            guard try await ledger.admit([request], at: now).first?.kind == .new(attempt: 1) else { continue }
            admitted += 1
          } catch {
            try requireEqual(error.reason, .unavailable)
          }
        }
        let (tally, rows) = try await place.connected { connection in
          (
            Int(try connection.simple("SELECT n FROM millrace.tally").text ?? ""),
            Int(try connection.simple("SELECT count(*) FROM millrace.request").text ?? "")
          )
        }
        try requireEqual(tally, done)
        try requireEqual(rows, admitted)
        return 0
      }
      return try await group.reduce(0, +)
    }
    #expect(ends > 20)
    await ledger.close()
  }

  @Test("a transaction that a crash took along is not taken for the one that has its number now")
  func reusedNumber() async throws {
    // Nothing but a commit writes the log.
    try await PrivatePostgres.with(configuration: "wal_writer_delay = 10000ms\nautovacuum = off\n") { server in
      let isArmed = Locked(false)
      let arrived = OneShot<Void>()
      let gate = DispatchSemaphore(value: 0)
      let direct = try server.url()
      let proxy = try CommitProxy(to: try port(of: direct)) {
        guard isArmed.withLock({ $0 }) else { return .passes }
        isArmed.withLock { $0 = false }
        arrived.succeed(())
        gate.wait()
        return .cutBefore
      }
      let through = try url(direct, through: proxy)
      let ledger = try await onThread { try PostgresLedger.open(url: through, lease: .seconds(600)) }
      try await eventually("the first renewal") { ledger.serverTime() != nil }
      try await onThread {
        let connection = try TestPostgres.connect(direct)
        defer { connection.close() }
        try connection.simple(
          "CREATE TABLE millrace.tally(n bigint NOT NULL); INSERT INTO millrace.tally VALUES (0)")
      }
      try await Self.count(ledger)
      isArmed.withLock { $0 = true }
      let number = Locked<Int64>(0)
      async let lost: Void = ledger.commits.perform(rows: 1) { session in
        let text = try session.connection?.simple("SELECT pg_current_xact_id()::text").text
        number.withLock { $0 = Int64(text ?? "") ?? 0 }
        _ = try session.connection?.simple("UPDATE millrace.tally SET n = n + 1")
      }
      await arrived.value
      proxy.setCut(true)
      try await server.script("kill")
      try await server.script("start")
      let wanted = number.withLock { $0 }
      let (first, tally) = try await onThread {
        let connection = try TestPostgres.connect(direct)
        defer { connection.close() }
        var first: Int64?
        while true {
          let next = Int64(try connection.simple("SELECT pg_current_xact_id()::text").text ?? "") ?? .max
          first = first ?? next
          if next >= wanted { break }
        }
        return (first ?? 0, try connection.simple("SELECT n FROM millrace.tally").text)
      }
      // Otherwise this shows nothing.
      #expect(first <= wanted, "the server has not given the number out again")
      #expect(tally == "1")
      gate.signal()
      proxy.setCut(false)
      do {
        try await lost
        Issue.record("a transaction that is gone was taken for committed")
      } catch let error as LedgerError {
        #expect(error.reason == .unavailable)
      }
      try await Self.count(ledger)
      await ledger.close()
      proxy.close()
    }
  }
}
