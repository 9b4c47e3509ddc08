import BatchCore
import Ledger
import Wire

/// Batches that are planned and taken apart in more than one step.
extension LedgerConformance {
  static var largeBatches: [Case] {
    @Sendable func limit(_ attempts: Int) -> AttemptOutcome.Limit {
      AttemptOutcome.Limit(maximumAttempts: attempts, failure: Failure(.batchExpired, "no"))
    }
    return [
      `case`("a large plan that was interrupted is gone on with, whatever became of its rows meanwhile") { ledger in
        let ids = try await ledger.admit(300)
        // What its first steps made.
        let begun = try unwrap(try await ledger.plan(Array(ids[..<200])).batch)
        try requireEqual(begun.rowCount, 200)
        _ = try await ledger.store.fail([(id: ids[250], failure: Failure(.cancelled, "no"), body: nil)], at: ledger.now)
        for _ in 1...2 {
          let plan = BatchPlan(key: begun.key, rows: ids, label: begun.label, account: begun.account, trigger: .idle)
          let batch = try unwrap(try await ledger.store.plan(plan, at: ledger.now).batch)
          try requireEqual(batch.id, begun.id)
          try requireEqual(batch.rowCount, 299)
          try requireEqual(batch.tokens, 2990)
          try require(batch.contentHash != begun.contentHash)
          try requireEqual(try await ledger.store.openBatches(), [batch])
          let rows = try await ledger.store.unsettledRows(batch.id, after: nil, limit: 1000)
          try requireEqual(Set(rows.map(\.id)), Set(ids).subtracting([ids[250]]))
          try requireEqual(Set(rows.map(\.attempt)), [1])
        }
        // Under way it takes no more.
        try await ledger.store.markCreating(begun.id, inputFileID: "f", at: ledger.now)
        let late = try await ledger.admit(TestDelivery("late")).id
        let again = BatchPlan(key: begun.key, rows: [late], label: begun.label, account: begun.account, trigger: .idle)
        try await requireError(.invalid) { _ = try await ledger.store.plan(again, at: ledger.now) }
      },
      `case`("a large batch is taken apart to its last row, whatever the attempts are worth") { ledger in
        let ways: [(AttemptOutcome.Limit?, Bool)] = [(nil, false), (nil, true), (limit(2), false), (limit(1), true)]
        for (limit, unknown) in ways {
          let ids = try await ledger.admit(300)
          let batch = try unwrap(try await ledger.plan(ids).batch)
          try await ledger.store.abandon(
            batch.id, notBefore: ledger.now, limit: limit, costUnknown: unknown, at: ledger.now)
          try require(try await ledger.store.unsettledRows(batch.id, after: nil, limit: 1).isEmpty)
          try require(try await ledger.store.openBatches().isEmpty)
          let left = try await ledger.store.acceptedRows(after: nil, limit: 1000)
          try requireEqual(left.map(\.id), limit?.maximumAttempts == 1 ? [] : ids)
          try requireEqual(Set(left.map(\.attempts)), limit?.maximumAttempts == 1 ? [] : limit == nil ? [0] : [1])
          for row in left {
            try await ledger.store.fail([(id: row.id, failure: Failure(.cancelled, "no"), body: nil)], at: ledger.now)
          }
        }
      },
    ]
  }
}

extension TestLedger {
  /// Admits so many requests that differ.
  fileprivate func admit(_ count: Int) async throws -> [RequestID] {
    let deliveries = (0..<count).map { TestDelivery("\(now.milliseconds)-\($0)") }
    advance(by: .milliseconds(1))
    return try await store.admit(deliveries.map { $0.request(at: now) }, at: now).map(\.id)
  }
}
