import BatchCore
import Foundation
import GRDB
import Ledger
import LedgerRules
import TestSupport
import Testing

@testable import LedgerSQLite

@Suite("SQLite ledger: retention", .timeLimit(.minutes(1)))
struct SQLiteRetentionTests {
  private static let kept = Duration.seconds(300)

  /// One round: requests come, are answered and delivered, and time goes on.
  private func round(_ number: Int, _ ledger: TestLedger, requests: Int) async throws {
    let body = String(repeating: "x", count: 3000)
    let deliveries = (0..<requests).map { index in TestDelivery("\(number)-\(index)") { $0.body = body } }
    let rows = try await ledger.store.admit(deliveries.map { $0.request(at: ledger.now) }, at: ledger.now)
    let batch = try unwrap(try await ledger.plan(rows.map(\.id)).batch)
    let answer = String(repeating: "y", count: 3000)
    let outcomes = rows.shuffled().map { TestLedger.success($0.id, batch: batch.id, answer) }
    _ = try await ledger.store.record(outcomes, at: ledger.now)
    try await ledger.store.settle(batch.id, at: ledger.now)
    try await ledger.deliver()
    ledger.advance(by: .seconds(100))
  }

  private func purge(_ ledger: TestLedger) async throws -> PurgedRows {
    var sum = PurgedRows()
    while true {
      let step = try await ledger.store.purge(
        finishedBefore: ledger.now + (.zero - Self.kept), bodiesBefore: ledger.now + (.zero - Self.kept / 3), limit: 50)
      sum.requests += step.requests
      sum.bodies += step.bodies
      sum.batches += step.batches
      if step.requests < 50 && step.bodies < 50 { return sum }
    }
  }

  @Test("pages of what was removed are used again: the file stays bounded")
  func soak() async throws {
    let files = try SQLitePlace()
    let ledger = try await TestLedger(files.place)
    func pages() async throws -> Int {
      let store = try #require(ledger.store as? SQLiteLedger)
      return try await store.commits.perform(rows: 1) { Int(try $0.pragma("page_count")) ?? 0 }
    }
    var sizes: [Int] = []
    var purged = PurgedRows()
    for number in 0..<40 {
      try await round(number, ledger, requests: 120)
      let step = try await purge(ledger)
      purged.requests += step.requests
      purged.batches += step.batches
      sizes.append(try await pages())
    }
    // Three rounds are kept whole, and the bodies of one of them.
    #expect(purged.requests == 37 * 120)
    #expect(purged.batches == 37)
    let early = try #require(sizes[..<8].max())
    #expect(try #require(sizes.max()) <= early + early / 10, "\(sizes)")
    try await ledger.reopen()
    #expect(
      try await ledger.admit(TestDelivery("39-0") { $0.body = String(repeating: "x", count: 3000) }).kind == .answered)
    await ledger.close()
  }

  @Test("the steps go on where the last process was")
  func restart() async throws {
    let files = try SQLitePlace()
    let ledger = try await TestLedger(files.place)
    for number in 0..<8 {
      try await round(number, ledger, requests: 30)
      _ = try await purge(ledger)
      try await ledger.reopen()
    }
    let counts = try await DatabaseQueue(path: files.path).read { db in
      try ["request", "attempt", "body", "batch", "attempt WHERE response IS NOT NULL"].map {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)") ?? -1
      }
    }
    // One round is as old as the cutoff and not older.
    #expect(counts == [90, 90, 30, 3, 30])
    await ledger.close()
  }

  @Test("a file of version 1 gets what later versions added")
  func migration() async throws {
    let files = try SQLitePlace()
    let ledger = try await TestLedger(files.place)
    let row = try await ledger.admit(TestDelivery("a"))
    let batch = try await ledger.batch(row.id)
    try await ledger.store.markCreating(batch.id, inputFileID: "f", at: ledger.now)
    await ledger.close()
    try await DatabaseQueue(path: files.path).write { db in
      try db.execute(
        sql: """
          ALTER TABLE batch DROP COLUMN resolution;
          ALTER TABLE batch DROP COLUMN resolution_batch;
          DELETE FROM meta WHERE name <> 'epoch';
          PRAGMA user_version = 1;
          """)
    }
    try await ledger.reopen()
    #expect(try await ledger.store.openBatches().map(\.label) == [batch.label])
    #expect(try await ledger.store.resolve(label: batch.label, as: .giveUp, at: ledger.now))
    #expect(try await ledger.store.describe().contains("schema version \(Schema.version)"))
    await ledger.close()
  }
}
