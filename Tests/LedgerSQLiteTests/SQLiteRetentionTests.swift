import BatchCore
import Foundation
import GRDB
import Ledger
import LedgerRules
import TestSupport
import Testing

@testable import LedgerSQLite

@Suite("SQLite ledger: retention", .timeLimit(.minutes(4)))
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
    let parked = try await ledger.admit(TestDelivery("b") { $0.lane = .interactive })
    let batch = try await ledger.batch(row.id)
    try await ledger.store.markCreating(batch.id, inputFileID: "f", at: ledger.now)
    await ledger.close()
    try await DatabaseQueue(path: files.path).write { db in
      try db.execute(
        sql: """
          DROP TABLE cost;
          DROP INDEX request_held;
          DROP TABLE budget;
          DROP TABLE budget_share;
          DROP TABLE budget_hold;
          ALTER TABLE request DROP COLUMN call_ceiling;
          ALTER TABLE request DROP COLUMN batch_ceiling;
          ALTER TABLE attempt DROP COLUMN route;
          ALTER TABLE attempt DROP COLUMN cache_write_tokens;
          ALTER TABLE attempt DROP COLUMN held;
          ALTER TABLE attempt DROP COLUMN list_cost;
          ALTER TABLE attempt DROP COLUMN full_cost;
          ALTER TABLE batch DROP COLUMN price;
          ALTER TABLE batch DROP COLUMN lines;
          DROP INDEX request_running;
          DROP INDEX request_due;
          DROP INDEX batch_double_spend;
          ALTER TABLE request DROP COLUMN running_attempt;
          ALTER TABLE batch DROP COLUMN ran_at;
          ALTER TABLE batch DROP COLUMN cancelled_at;
          ALTER TABLE batch DROP COLUMN double_spend;
          ALTER TABLE batch DROP COLUMN double_spend_at;
          DROP INDEX batch_submitted;
          DROP TABLE learned;
          ALTER TABLE batch DROP COLUMN enqueued_tokens;
          ALTER TABLE batch DROP COLUMN asked_at;
          ALTER TABLE batch DROP COLUMN resolution;
          ALTER TABLE batch DROP COLUMN resolution_batch;
          DELETE FROM meta WHERE name <> 'epoch';
          DROP TABLE tenant_share;
          DROP TABLE parked_turn;
          DROP INDEX request_parked_tenant;
          DROP INDEX request_parked;
          ALTER TABLE request DROP COLUMN call_class;
          DROP INDEX request_merge;
          ALTER TABLE request DROP COLUMN merge_key;
          DROP INDEX request_batch;
          ALTER TABLE request DROP COLUMN prompt_order;
          CREATE INDEX request_batch ON request(batch_id) WHERE state = 3;
          CREATE INDEX request_parked ON request(route, not_before, id, body_bytes) WHERE state = 1;
          PRAGMA user_version = 1;
          """)
    }
    try await ledger.reopen()
    #expect(try await ledger.store.openBatches().map(\.label) == [batch.label])
    #expect(try await ledger.store.resolve(label: batch.label, as: .giveUp, at: ledger.now))
    let route = TestDelivery("b").route
    let calls = try await ledger.store.takeParked(
      provider: route.provider, model: route.model, limit: 9, at: ledger.now)
    #expect(calls.map(\.id) == [parked.id])
    try await ledger.store.markSubmitted(batch.id, providerBatchID: "b", at: ledger.now)
    _ = try await ledger.store.rescue(batch.id, .cancel, at: ledger.now)
    #expect(try await ledger.store.openBatches().map(\.cancelledAt) == [ledger.now])
    #expect(try await ledger.store.describe().contains("schema version \(Schema.version)"))
    let later = try await ledger.admit(.interactive("c"))
    #expect(try await ledger.record(TestLedger.success(later.id)) == .finished)
    let query = CostQuery(dimensions: [.tenant], days: 0...100_000, limit: 9)
    #expect(try await ledger.store.costs(query).total.cost == 7)
    await ledger.close()
  }
}
