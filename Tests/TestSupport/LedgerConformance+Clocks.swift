import BatchCore
import Ledger

extension LedgerConformance {
  static var clocks: [Case] {
    let parked = TestDelivery.interactive("a") { $0.custody = .ledger }
    return [
      `case`("waits move with a step of the clock, and only those in its range") { ledger in
        let start = ledger.now
        let rows = try await ledger.admit(
          parked, parked.with { $0.key = "b" }, parked.with { $0.key = "c" }, TestDelivery("d"), TestDelivery("e"))
        let taken = try await ledger.store.takeParked(
          provider: parked.route.provider, model: parked.route.model, limit: 3, at: ledger.now)
        try requireEqual(taken.map(\.id), rows[..<3].map(\.id))
        let waits = [Duration.zero, .seconds(60), .seconds(600)]
        for (call, wait) in zip(taken, waits) {
          let outcome = AttemptOutcome(
            id: call.id, attempt: call.attempt, batch: nil, verdict: .park(notBefore: start + wait, nil))
          try requireEqual(try await ledger.record(outcome), .applied)
        }
        let batch = try await ledger.batch(rows[3].id)
        try await ledger.store.abandon(batch.id, notBefore: start + .seconds(60), limit: nil, at: start)

        try await ledger.store.shiftWaiting(after: start, upTo: start + .seconds(300), by: .seconds(3600))
        let accepted = try await ledger.store.acceptedRows(after: nil, limit: 10)
        try requireEqual(accepted.map { $0.notBefore - start }, [.seconds(3660), .zero])
        func due(at time: Timestamp) async throws -> [RequestID] {
          try await ledger.store.takeParked(
            provider: parked.route.provider, model: parked.route.model, limit: 10, at: time
          ).map(\.id)
        }
        try requireEqual(try await due(at: start + .seconds(599)), [rows[0].id])
        try requireEqual(try await due(at: start + .seconds(3659)), [rows[2].id])

        try await ledger.store.shiftWaiting(
          after: start, upTo: Timestamp(milliseconds: .max), by: .seconds(-3600))
        try requireEqual(
          try await ledger.store.acceptedRows(after: nil, limit: 10).map { $0.notBefore - start },
          [.seconds(60), .zero])
        try require(try await due(at: start + .seconds(59)).isEmpty)
        try requireEqual(try await due(at: start + .seconds(60)), [rows[1].id])
      }
    ]
  }
}
