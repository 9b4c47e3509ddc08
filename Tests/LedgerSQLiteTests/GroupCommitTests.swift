import BatchCore
import Dispatch
import Ledger
import LedgerRules
import TestSupport
import Testing
import Threading
import Wire

@testable import LedgerSQLite

@Suite("SQLite ledger: group commit", .timeLimit(.minutes(4)))
struct GroupCommitTests {
  private let now = Timestamp(milliseconds: 1_700_000_000_000)

  /// Holds the writer up until everything that the test starts is waiting, and what it does then has begun.
  private func held(
    _ ledger: SQLiteLedger, until count: Int, _ start: (inout ThrowingTaskGroup<Void, any Error>) -> Void,
    then act: @escaping @Sendable () async -> Void = {}
  ) async throws {
    let gate = DispatchSemaphore(value: 0)
    let entered = OneShot<Void>()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        try await ledger.commits.perform(rows: 1) { _ in
          entered.succeed(())
          // On the writer's queue, not on the cooperative pool.
          gate.wait()
        }
      }
      await entered.value
      start(&group)
      // A cancelled test lets the writer go on, too.
      while ledger.commits.waitingCount < count && !Task.isCancelled { await Task.yield() }
      let begun = OneShot<Void>()
      group.addTask {
        begun.succeed(())
        await act()
      }
      await begun.value
      gate.signal()
      try await group.waitForAll()
    }
  }

  @Test("what arrives during a commit shares the next one")
  func shares() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    let transactions = Locked<Set<Int>>([])
    try await held(ledger, until: 100) { group in
      for _ in 0..<100 {
        group.addTask {
          try await ledger.commits.perform(rows: 1) { session in
            _ = transactions.withLock { $0.insert(session.transaction.count) }
          }
        }
      }
    }
    #expect(transactions.withLock { $0.count } == 1)
    await ledger.close()
  }

  @Test("a group is bounded by its rows")
  func bounded() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    let transactions = Locked<Set<Int>>([])
    try await held(ledger, until: 6) { group in
      for _ in 0..<6 {
        group.addTask {
          try await ledger.commits.perform(rows: 2048) { session in
            _ = transactions.withLock { $0.insert(session.transaction.count) }
          }
        }
      }
    }
    #expect(transactions.withLock { $0.count } == 3)
    await ledger.close()
  }

  @Test(
    "an operation that fails, or that meets what is damaged, takes nothing of its group along",
    arguments: [LedgerError.Reason.invalid, .unusable])
  func isolated(reason: LedgerError.Reason) async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    let now = now
    let failures = Locked(0)
    try await held(ledger, until: 30) { group in
      for index in 0..<30 {
        let request = TestDelivery("k\(index)") {
          // A new name each, so that a rolled back one must not be remembered.
          $0.model = "model \(index / 3)"
        }.request(at: now)
        group.addTask {
          guard index % 3 == 0 else {
            _ = try await ledger.admit([request], at: now)
            return
          }
          do {
            try await ledger.commits.perform(rows: 1) { session in
              _ = try session.admit(request, at: now)
              if reason == .unusable { throw DamagedTables("what it reads") }
              throw InvalidOperation("after a change")
            }
          } catch let error as LedgerError where error.reason == reason {
            failures.withLock { $0 += 1 }
          }
        }
      }
    }
    #expect(failures.withLock { $0 } == 10)
    let rows = try await ledger.acceptedRows(after: nil, limit: 100)
    #expect(rows.count == 20)
    let backlog = try await ledger.backlog()
    #expect(Set(backlog.map(\.model)) == Set((0..<10).map { "model \($0)" }))
    await ledger.close()
  }

  @Test("many tasks at once: everything that was admitted is there after a reopen")
  func concurrent() async throws {
    let files = try SQLitePlace()
    let now = now
    var ledger = try SQLiteLedger(path: files.path)
    let ids = try await withThrowingTaskGroup(of: [RequestID].self) { [ledger] group in
      for task in 0..<200 {
        group.addTask {
          let requests = (0..<5).map { TestDelivery("k\(task)-\($0)").request(at: now) }
          return try await ledger.admit(requests, at: now).map(\.id)
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(Set(ids).count == 1000)
    await ledger.close()
    ledger = try SQLiteLedger(path: files.path)
    #expect(Set(try await ledger.acceptedRows(after: nil, limit: 2000).map(\.id)) == Set(ids))
    await ledger.close()
  }

  @Test("closing commits what was asked before and refuses the rest")
  func closing() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    let now = now
    try await held(ledger, until: 10) { group in
      for index in 0..<10 {
        group.addTask { _ = try await ledger.admit([TestDelivery("k\(index)").request(at: now)], at: now) }
      }
    } then: {
      await ledger.close()
    }
    await #expect(throws: LedgerError.self) {
      _ = try await ledger.admit([TestDelivery("x").request(at: now)], at: now)
    }
    let reopened = try SQLiteLedger(path: files.path)
    #expect(try await reopened.acceptedRows(after: nil, limit: 100).count == 10)
    await reopened.close()
  }
}

extension WriteSession {
  /// The value of a pragma of the writer's connection.
  func pragma(_ name: String) throws -> String {
    try Statement(transaction.connection, "PRAGMA \(name)").start().first { $0.text(0) } ?? ""
  }
}
