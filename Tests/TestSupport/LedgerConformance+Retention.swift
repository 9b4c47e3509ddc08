import BatchCore
import Ledger

extension LedgerConformance {
  static var retention: [Case] {
    [
      `case`("what ended before the time goes, with its batch, and what ended later stays") { ledger in
        let old = try await ledger.admit(TestDelivery("old"))
        try await ledger.succeed(old.id)
        let poison = try await ledger.admit(
          TestDelivery("poison") { $0.poison = Failure(.invalidJSON, "no") })
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        let cutoff = ledger.now
        let new = try await ledger.admit(TestDelivery("new"))
        try await ledger.succeed(new.id)
        try await ledger.deliver()
        try requireEqual(try await ledger.purge(before: cutoff), PurgedRows(requests: 2, bodies: 0, batches: 1))
        try requireEqual(try await ledger.purge(before: cutoff), PurgedRows())
        try requireEqual(try await ledger.admit(TestDelivery("new")).kind, .answered)
        try requireEqual(try await ledger.takeReply().providerBatchID, nil)
        // Forgotten: the same again is new, under the same ledger id.
        let again = try await ledger.admit(TestDelivery("old"))
        try requireEqual(again.kind, .new(attempt: 1))
        try requireEqual(again.ledgerID, old.ledgerID)
        let refused = try await ledger.admit(TestDelivery("poison") { $0.poison = Failure(.invalidJSON, "no") })
        try require(refused.id > poison.id)
      },
      `case`("nothing goes that has no outcome or whose reply is in the outbox") { ledger in
        let rows = try await ledger.admit(
          TestDelivery("accepted"), TestDelivery("sent"), TestDelivery("parked") { $0.lane = .interactive },
          .interactive("claimed"), TestDelivery("undelivered"))
        _ = try await ledger.batch(rows[1].id)
        try await ledger.succeed(rows[4].id)
        ledger.advance(by: .seconds(10))
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows())
        let taken = try await ledger.takeReplies()
        try requireEqual(taken.map(\.id), [rows[4].id])
        // Taken is not delivered.
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows())
        try await ledger.store.delivered(taken.map(\.taken), at: ledger.now)
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows(requests: 1, batches: 1))
        // A reply that is asked for again is in the outbox again.
        try await ledger.succeed(rows[0].id)
        try await ledger.deliver()
        try requireEqual(try await ledger.admit(TestDelivery("accepted")).kind, .answered)
        ledger.advance(by: .seconds(10))
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows())
        try await ledger.deliver()
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows(requests: 1, batches: 1))
      },
      `case`("what was sent twice stays until its batch is over, and the batch for a day") { ledger in
        let (rows, batch) = try await submitted(ledger, "a")
        try await sendTwice(rows, of: batch, ledger)
        _ = try await take(ledger)
        try requireEqual(try await ledger.record(TestLedger.success(rows[0], attempt: 2, "call")), .finished)
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows())
        // What the batch has cost is noted.
        try requireEqual(
          try await ledger.record(TestLedger.success(rows[0], attempt: 1, batch: batch, "batch")), .superseded)
        try await ledger.store.settle(batch, at: ledger.now)
        ledger.advance(by: .seconds(10))
        let (first, second) = (
          try await ledger.purge(before: ledger.now), try await ledger.purge(before: ledger.now)
        )
        try requireEqual(first.requests + second.requests, 1)
        try requireEqual(first.batches + second.batches, 0)
        try requireEqual(try await ledger.store.doubleSpend(since: SpendLimit.since(ledger.now)), PicoUSD(10))
        ledger.advance(by: .seconds(86_400))
        try requireEqual(try await ledger.purge(before: ledger.now), PurgedRows(batches: 1))
      },
      `case`("a leader stays as long as its subscribers do, with what its answer is made of") { ledger in
        let leader = try await ledger.admit(TestDelivery("a"))
        try await ledger.succeed(leader.id, "kept")
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        let cutoff = ledger.now
        let late = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(late.kind, .answered)
        try requireEqual(try await ledger.purge(before: cutoff), PurgedRows())
        let reply = try await ledger.takeReply()
        try requireEqual(reply.response, TestLedger.answer("kept"))
        try requireEqual(reply.callID, leader.ledgerID)
        try await ledger.store.delivered([reply.taken], at: ledger.now)
        ledger.advance(by: .seconds(10))
        // Both are old now; it may take a second look.
        let first = try await ledger.purge(before: ledger.now)
        let second = try await ledger.purge(before: ledger.now)
        try requireEqual(first.requests + second.requests, 2)
        try requireEqual(first.batches + second.batches, 1)
        try requireEqual(try await ledger.admit(TestDelivery("a")).kind, .new(attempt: 1))
      },
      `case`("a leader with a follower that has no outcome stays") { ledger in
        let claim = try await ledger.admit(.interactive("a"))
        let follower = try await ledger.admit(.interactive("a") { $0.correlation = "c2" })
        try requireEqual(try await ledger.record(TestLedger.failure(claim.id, .providerUnavailable)), .finished)
        try requireEqual(try await ledger.deliver().map(\.id), [claim.id, follower.id])
        ledger.advance(by: .seconds(10))
        let first = try await ledger.purge(before: ledger.now)
        let second = try await ledger.purge(before: ledger.now)
        try requireEqual(first.requests + second.requests, 2)
      },
      `case`("ids go on after everything was purged") { ledger in
        let first = try await ledger.admit(TestDelivery("a"), TestDelivery("b"))
        for row in first { try await ledger.succeed(row.id) }
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        _ = try await ledger.purge(before: ledger.now)
        try await ledger.reopen()
        let next = try await ledger.admit(TestDelivery("c"))
        try require(next.id > first[1].id)
        try await ledger.succeed(next.id)
        try requireEqual(try await ledger.takeReply().response, TestLedger.answer())
      },
      `case`("a step removes at most its limit, oldest first") { ledger in
        let rows = try await ledger.admit((0..<25).map { TestDelivery("k\($0)") })
        let planned = try unwrap(try await ledger.plan(rows.map(\.id)).batch)
        // Results come in any order.
        for row in rows.shuffled() { _ = try await ledger.record(TestLedger.success(row.id, batch: planned.id)) }
        try await ledger.store.settle(planned.id, at: ledger.now)
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        var removed: [Int] = []
        var batches = 0
        while removed.last != 0, removed.count < 10 {
          let step = try await ledger.purge(before: ledger.now, limit: 10)
          removed.append(step.requests)
          batches += step.batches
        }
        try requireEqual(removed, [10, 10, 5, 0])
        try requireEqual(batches, 1)
      },
      `case`("a success without its body is no stored answer") { ledger in
        let first = try await ledger.admit(TestDelivery("a"))
        try await ledger.succeed(first.id)
        let follower = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        let long = Timestamp(milliseconds: 0)
        let purged = try await ledger.store.purge(finishedBefore: long, bodiesBefore: ledger.now, limit: 100)
        try requireEqual(purged, PurgedRows(requests: 0, bodies: 2))
        try requireEqual(
          try await ledger.store.purge(finishedBefore: long, bodiesBefore: ledger.now, limit: 100), PurgedRows())
        // The same subscriber, another one, and the redelivery of an answered message: none is sent an empty answer.
        let again = try await ledger.admit(TestDelivery("a") { $0.redelivered = true })
        try requireEqual(again.kind, .new(attempt: 1))
        try require(again.ledgerID != first.ledgerID)
        let other = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(other.kind, .inFlight)
        try require(other.ledgerID != follower.ledgerID)
        try await ledger.succeed(again.id, "anew")
        try requireEqual(
          try await ledger.deliver().map(\.response), [TestLedger.answer("anew"), TestLedger.answer("anew")])
      },
      `case`("a failure needs no body to be given again") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let batch = try await ledger.batch(row.id)
        try requireEqual(
          try await ledger.record(TestLedger.failure(row.id, .providerRejected, batch: batch.id)), .finished)
        try await ledger.store.settle(batch.id, at: ledger.now)
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        let purged = try await ledger.store.purge(
          finishedBefore: Timestamp(milliseconds: 0), bodiesBefore: ledger.now, limit: 100)
        try requireEqual(purged.bodies, 1)
        try requireEqual(try await ledger.admit(TestDelivery("a")).kind, .answered)
        try requireEqual(try await ledger.takeReply().failure?.code, .providerRejected)
      },
      `case`("an answer stays as long as a subscriber's reply of it is not delivered, however old it is") { ledger in
        let leader = try await ledger.admit(TestDelivery("a"))
        try await ledger.succeed(leader.id, "kept")
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        let late = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(late.kind, .answered)
        let long = Timestamp(milliseconds: 0)
        try requireEqual(
          try await ledger.store.purge(finishedBefore: long, bodiesBefore: ledger.now, limit: 100), PurgedRows())
        let reply = try await ledger.takeReply()
        try requireEqual(reply.response, TestLedger.answer("kept"))
        try await ledger.store.delivered([reply.taken], at: ledger.now)
        try requireEqual(
          try await ledger.store.purge(finishedBefore: long, bodiesBefore: ledger.now, limit: 100).bodies, 2)
      },
      `case`("bodies stay with what has no outcome and with replies that are not delivered") { ledger in
        let rows = try await ledger.admit(TestDelivery("open"), TestDelivery("answered"), TestDelivery("failed"))
        try await ledger.succeed(rows[1].id, "text")
        let batch = try await ledger.batch(rows[2].id)
        try requireEqual(
          try await ledger.record(TestLedger.failure(rows[2].id, .batchExpired, batch: batch.id)), .finished)
        ledger.advance(by: .seconds(10))
        let long = Timestamp(milliseconds: 0)
        try requireEqual(
          try await ledger.store.purge(finishedBefore: long, bodiesBefore: ledger.now, limit: 100), PurgedRows())
        let replies = try await ledger.deliver()
        try requireEqual(replies.map(\.response), [TestLedger.answer("text"), nil])
        try requireEqual(replies[1].deadLetter?.body, TestDelivery("failed").requestBody.bytes)
        try requireEqual(
          try await ledger.store.purge(finishedBefore: long, bodiesBefore: ledger.now, limit: 100),
          PurgedRows(bodies: 3))
        let open = try await ledger.batch(rows[0].id)
        let read = try await ledger.store.batchRows(open.id, after: nil, limit: 9, maximumBytes: 1 << 20)
        try requireEqual(read.map(\.body), [TestDelivery("open").requestBody])
      },
    ]
  }
}

extension TestLedger {
  /// One step of the retention, of everything that finished before the time.
  fileprivate func purge(before: Timestamp, limit: Int = 100) async throws -> PurgedRows {
    try await store.purge(finishedBefore: before, bodiesBefore: Timestamp(milliseconds: 0), limit: limit)
  }

  fileprivate func admit(_ deliveries: [TestDelivery]) async throws -> [Admission] {
    try await store.admit(deliveries.map { $0.request(at: now) }, at: now)
  }
}
