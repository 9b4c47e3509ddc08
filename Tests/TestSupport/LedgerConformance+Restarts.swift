import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var restarts: [Case] {
    let delivery = TestDelivery.interactive("a")
    return [
      `case`("a restart keeps everything") { ledger in
        let rows = try await ledger.admit(TestDelivery("a"), TestDelivery("b"), TestDelivery("c"))
        let batch = try await ledger.batch(rows[0].id)
        try await ledger.store.markCreating(batch.id, inputFileID: "file-1", at: ledger.now)
        try await ledger.succeed(rows[1].id)
        let records = try await ledger.store.openBatches()
        let accepted = try await ledger.store.acceptedRows(after: nil, limit: 10)
        try await ledger.reopen()
        try requireEqual(try await ledger.store.openBatches(), records)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 10), accepted)
        try requireEqual(try await ledger.admit(TestDelivery("a")).id, rows[0].id)
        try requireEqual(try await ledger.record(TestLedger.success(rows[0].id, batch: batch.id)), .finished)
        try requireEqual(try await ledger.takeReplies().map(\.id), [rows[1].id, rows[0].id])
        let new = try await ledger.admit(TestDelivery("d"))
        try require(!rows.map(\.id).contains(new.id))
      },
      `case`("replies that were taken and not delivered come again after a restart") { ledger in
        for key in ["a", "b", "c"] {
          let claim = try await ledger.admit(.interactive(key))
          _ = try await ledger.record(TestLedger.success(claim.id))
        }
        let replies = try await ledger.takeReplies()
        try await ledger.store.delivered([replies[1].taken], at: ledger.now)
        try require(try await ledger.takeReplies().isEmpty)
        try await ledger.reopen()
        try requireEqual(try await ledger.takeReplies().map(\.id), [replies[0].id, replies[2].id])
      },
      `case`("a claim of a dead process is taken over by its redelivery") { ledger in
        let claim = try await ledger.admit(delivery)
        try await ledger.reopen()
        let again = try await ledger.admit(delivery.with { $0.redelivered = true })
        try requireEqual(again.kind, .takenOver(attempt: 2))
        try requireEqual(again.id, claim.id)
        try requireEqual(again.custody, .broker)
        try requireEqual(try await ledger.admit(delivery).kind, .inFlight)
        // The first attempt may have been paid; if its result is seen after all, it is the answer, and its cost is kept, once.
        let late = TestLedger.success(claim.id, attempt: 1, "late")
        try requireEqual(try await ledger.record(late), .finished)
        try requireEqual(try await ledger.record(late), .duplicate)
        try requireEqual(try await ledger.record(TestLedger.success(claim.id, attempt: 2)), .superseded)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.attempts, 1)
        try requireEqual(reply.response, TestLedger.answer("late"))
      },
      `case`("another subscriber takes a dead claim over too, and all are answered") { ledger in
        let claim = try await ledger.admit(delivery)
        let waiting = try await ledger.admit(delivery.with { $0.correlation = "c2" })
        try await ledger.reopen()
        let third = try await ledger.admit(delivery.with { $0.correlation = "c3" })
        try requireEqual(third.kind, .takenOver(attempt: 2))
        try require(third.id != claim.id)
        // Its outcome is the call's.
        try requireEqual(try await ledger.record(TestLedger.success(third.id, attempt: 2)), .finished)
        try requireEqual(try await ledger.takeReplies().map(\.id), [claim.id, waiting.id, third.id])
      },
      `case`("a waiting subscriber takes its own call's dead claim over") { ledger in
        let claim = try await ledger.admit(delivery)
        let waiting = try await ledger.admit(delivery.with { $0.correlation = "c2" })
        try await ledger.reopen()
        let again = try await ledger.admit(delivery.with { $0.correlation = "c2" })
        try requireEqual(again.kind, .takenOver(attempt: 2))
        try requireEqual(again.id, waiting.id)
        try await ledger.store.park([(again.id, delivery.requestBody, ledger.now)])
        let route = delivery.route
        let calls = try await ledger.store.takeParked(
          provider: route.provider, model: route.model, limit: 9, at: ledger.now)
        try requireEqual(calls.map(\.id), [claim.id])
        try requireEqual(calls.map(\.attempt), [3])
      },
      `case`("a redelivery into the ledger's custody turns a dead claim into a kept row") { ledger in
        let claim = try await ledger.admit(delivery)
        try await ledger.reopen()
        let kept = TestDelivery("a") { $0.redelivered = true }
        let again = try await ledger.admit(kept)
        try requireEqual(again.kind, .takenOver(attempt: 2))
        try requireEqual(again.custody, .ledger)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id), [claim.id])
        let batch = try await ledger.batch(claim.id)
        let rows = try await ledger.store.batchRows(batch.id, after: nil, limit: 9, maximumBytes: 1 << 20)
        try requireEqual(rows.map(\.attempt), [2])
        try requireEqual(rows.map(\.body), [kept.requestBody])
      },
      `case`("a fingerprint's dead claim is taken over by its redelivery") { ledger in
        let same = delivery.with { $0.kind = .fingerprint }
        let claim = try await ledger.admit(same)
        try await ledger.reopen()
        let again = try await ledger.admit(
          same.with {
            $0.redelivered = true
            $0.generation = 2
          })
        try requireEqual(again.kind, .takenOver(attempt: 2))
        try requireEqual(again.id, claim.id)
      },
      `case`("parked rows that a dead process was calling are parked again") { ledger in
        let parked = delivery.with { $0.custody = .ledger }
        let row = try await ledger.admit(parked)
        let route = parked.route
        func take() async throws -> [ParkedCall] {
          try await ledger.store.takeParked(provider: route.provider, model: route.model, limit: 9, at: ledger.now)
        }
        try requireEqual(try await take().map(\.attempt), [1])
        try await ledger.reopen()
        try requireEqual(try await ledger.admit(parked).kind, .inFlight)
        let calls = try await take()
        try requireEqual(calls.map(\.id), [row.id])
        try requireEqual(calls.map(\.attempt), [2])
        let late = TestLedger.failure(row.id, .providerRejected, attempt: 1)
        try requireEqual(try await ledger.record(late), .superseded)
        try requireEqual(try await ledger.record(late), .duplicate)
        try requireEqual(try await ledger.record(TestLedger.success(row.id, attempt: 2)), .finished)
        try requireEqual(try await ledger.takeReply().attempts, 2)
      },
    ]
  }
}
