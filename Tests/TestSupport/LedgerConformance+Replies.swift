import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var replies: [Case] {
    [
      `case`("replies come in the order in which they became ready, each once") { ledger in
        var ids: [RequestID] = []
        for index in 0..<6 { ids.append(try await ledger.admit(.interactive("k\(index)")).id) }
        let order = [3, 0, 5, 1, 4, 2].map { ids[$0] }
        for id in order { _ = try await ledger.record(TestLedger.success(id)) }
        var taken: [RequestID] = []
        while true {
          let replies = try await ledger.store.takeReplies(limit: 4, maximumBytes: 1 << 20)
          if replies.isEmpty { break }
          taken += replies.map(\.id)
        }
        try requireEqual(taken, order)
      },
      `case`("urgent replies are a part of their own, each in its order, also after a restart") { ledger in
        let bulk = try await ledger.admit(TestDelivery("a"))
        try await ledger.succeed(bulk.id)
        var urgent: [RequestID] = []
        for key in ["b", "c"] {
          let claim = try await ledger.admit(.interactive(key))
          var outcome = TestLedger.success(claim.id)
          outcome.urgency = .urgent
          _ = try await ledger.record(outcome)
          urgent.append(claim.id)
        }
        let late = try await ledger.admit(TestDelivery("d"))
        try await ledger.succeed(late.id)
        func taken(_ urgency: ReplyUrgency) async throws -> [RequestID] {
          try await ledger.store.takeReplies(urgency, limit: 9, maximumBytes: 1 << 20).map(\.id)
        }
        try requireEqual(try await taken(.urgent), urgent)
        try requireEqual(try await taken(.bulk), [bulk.id, late.id])
        try await ledger.reopen()
        // What comes now stands behind what was there.
        let poison = try await ledger.admit(.interactive("e") { $0.poison = Failure(.invalidJSON, "no") })
        let first = try await ledger.store.takeReplies(.urgent, limit: 9, maximumBytes: 1 << 20)
        try requireEqual(first.map(\.id), urgent + [poison.id])
        try requireEqual(try await ledger.admit(TestDelivery("a")).kind, .answered)
        let second = try await ledger.store.takeReplies(.bulk, limit: 9, maximumBytes: 1 << 20)
        try requireEqual(second.map(\.id), [bulk.id, late.id, bulk.id])
        try await ledger.store.delivered([first[0].taken, second[0].taken, second[2].taken], at: ledger.now)
        try await ledger.reopen()
        try requireEqual(try await taken(.bulk), [late.id])
        try requireEqual(try await taken(.urgent), [urgent[1], poison.id])
      },
      `case`("replies are bounded by their bytes, but never to none") { ledger in
        for index in 0..<3 {
          let claim = try await ledger.admit(.interactive("k\(index)"))
          _ = try await ledger.record(TestLedger.success(claim.id))
        }
        for _ in 0..<3 { try requireEqual(try await ledger.store.takeReplies(limit: 9, maximumBytes: 1).count, 1) }
        try require(try await ledger.takeReplies().isEmpty)
      },
      `case`("concurrent takers get different replies") { ledger in
        var ids: Set<RequestID> = []
        for index in 0..<40 {
          let claim = try await ledger.admit(.interactive("k\(index)"))
          _ = try await ledger.record(TestLedger.success(claim.id))
          ids.insert(claim.id)
        }
        let taken = try await withThrowingTaskGroup(of: [RequestID].self) { group in
          for _ in 0..<8 {
            group.addTask { try await ledger.store.takeReplies(limit: 5, maximumBytes: 1 << 20).map(\.id) }
          }
          return try await group.reduce(into: []) { $0 += $1 }
        }
        try requireEqual(taken.count, 40)
        try requireEqual(Set(taken), ids)
      },
      `case`("a reply that becomes ready again while it is published is published again") { ledger in
        let delivery = TestDelivery.interactive("a")
        let claim = try await ledger.admit(delivery)
        _ = try await ledger.record(TestLedger.success(claim.id))
        let first = try await ledger.takeReply()
        try requireEqual(try await ledger.admit(delivery.with { $0.redelivered = true }).kind, .answered)
        // The confirm of the first publish says nothing about the second wish.
        try await ledger.store.delivered([first.taken], at: ledger.now)
        let second = try await ledger.takeReply()
        try requireEqual(second.ledgerID, first.ledgerID)
        try await ledger.store.delivered([second.taken], at: ledger.now)
        try await ledger.reopen()
        try require(try await ledger.takeReplies().isEmpty)
      },
      `case`("the end of a reply that was asked for again leaves the first and its dead letter") { ledger in
        let request = try await ledger.admit(TestDelivery("a"))
        try await ledger.store.fail([(request.id, Failure(.quotaExhausted, "no"), nil)], at: ledger.now)
        let first = try await ledger.takeReply()
        _ = try await ledger.admit(TestDelivery("a") { $0.redelivered = true })
        let again = try await ledger.takeReply()
        try requireEqual([first.deadLetter != nil, again.deadLetter != nil], [true, false])
        try await ledger.store.delivered([again.taken], at: ledger.now)
        // The process dies before the broker has confirmed the first.
        try await ledger.reopen()
        let left = try await ledger.takeReply()
        try requireEqual(left.id, first.id)
        try require(left.deadLetter != nil)
        try await ledger.store.undeliverable([(left.taken, "refused by the broker")], at: ledger.now)
        try await ledger.reopen()
        try require(try await ledger.takeReplies().isEmpty)
      },
      `case`("an undeliverable reply blocks nobody and may be asked for again") { ledger in
        for key in ["a", "b"] {
          let claim = try await ledger.admit(.interactive(key))
          _ = try await ledger.record(TestLedger.success(claim.id))
        }
        let replies = try await ledger.takeReplies()
        try await ledger.store.undeliverable([(replies[0].taken, "refused by the broker")], at: ledger.now)
        try await ledger.reopen()
        try requireEqual(try await ledger.deliver().map(\.id), [replies[1].id])
        try requireEqual(try await ledger.admit(.interactive("a")).kind, .answered)
        try requireEqual(try await ledger.takeReply().id, replies[0].id)
      },
      `case`("a reply that nobody wants is in the outbox all the same, marked") { ledger in
        let claim = try await ledger.admit(.interactive("a") { $0.noReply = true })
        _ = try await ledger.record(TestLedger.success(claim.id))
        let reply = try await ledger.takeReply()
        try require(reply.envelope.noReply)
      },
      `case`("a dead letter goes out once; what a provider refused may be one") { ledger in
        let first = try await ledger.admit(TestDelivery("a"))
        try await ledger.store.fail([(first.id, Failure(.quotaExhausted, "no"), nil)], at: ledger.now)
        try require(try await ledger.deliver().first?.deadLetter != nil)
        _ = try await ledger.admit(TestDelivery("a") { $0.redelivered = true })
        try require(try await ledger.takeReply().deadLetter == nil)
        let second = try await ledger.admit(TestDelivery("b"))
        let batch = try await ledger.batch(second.id)
        _ = try await ledger.record(TestLedger.failure(second.id, .providerRejected, batch: batch.id))
        try requireEqual(try await ledger.takeReply().deadLetter?.body, TestDelivery("b").requestBody.bytes)
        let third = try await ledger.admit(TestDelivery("c"))
        let cancelled = try await ledger.store.cancel(
          tenant: "default", correlationID: Array("c1".utf8), at: ledger.now)
        try requireEqual(cancelled, [third.id])
        try require(try await ledger.takeReply().deadLetter == nil)
      },
      `case`("a failure whose message the broker holds is no dead letter of ours") { ledger in
        let claim = try await ledger.admit(.interactive("a"))
        _ = try await ledger.record(TestLedger.failure(claim.id, .providerUnavailable))
        try require(try await ledger.takeReply().deadLetter == nil)
      },
    ]
  }

  static var watching: [Case] {
    [
      `case`("the backlog counts what has no outcome, by lane and model") { ledger in
        try require(try await ledger.store.backlog().isEmpty)
        try requireEqual(try await ledger.store.backlogBytes(), 0)
        let start = ledger.now
        let rows = try await ledger.admit(
          TestDelivery("a") { $0.deadline = start + .seconds(90) },
          TestDelivery("b") { $0.deadline = start + .seconds(50) },
          TestDelivery("c") { $0.model = "big" }, .interactive("d"), .interactive("e") { $0.custody = .ledger })
        ledger.advance(by: .seconds(5))
        _ = try await ledger.admit(TestDelivery("f"))
        _ = try await ledger.batch(rows[0].id)
        // Who only waits for another's call adds nothing to send.
        _ = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        let backlog = try await ledger.store.backlog()
        func entry(_ lane: Lane, _ model: String, _ count: Int, _ deadline: Timestamp?) -> BacklogEntry {
          BacklogEntry(
            lane: lane, model: model, requests: count, tokens: Int64(10 * count), oldest: start,
            earliestDeadline: deadline)
        }
        try requireEqual(
          Set(backlog),
          [
            entry(.deferred, "gpt-4o-mini", 3, start + .seconds(50)), entry(.deferred, "big", 1, nil),
            entry(.interactive, "gpt-4o-mini", 2, nil),
          ])
        let size = Int64(TestDelivery("a").requestBody.bytes.count)
        let bytes = try await ledger.store.backlogBytes()
        try require(bytes >= 4 * size && bytes <= 6 * size, "\(bytes)")
        try await ledger.store.fail(rows.map { ($0.id, Failure(.budgetExceeded, "no"), nil) }, at: ledger.now)
        let rest = try await ledger.store.backlog()
        try requireEqual(rest.map(\.requests), [2])
      },
      `case`("it says what and where it is") { ledger in
        let text = try await ledger.store.describe()
        try require(!text.isEmpty && !text.contains("\n"), text)
      },
      `case`("after close every call says so") { ledger in
        await ledger.close()
        try await requireError(.closed) { _ = try await ledger.admit(TestDelivery("a")) }
        try await requireError(.closed) { _ = try await ledger.takeReplies() }
        try await requireError(.closed) { _ = try await ledger.store.backlog() }
        await ledger.close()
      },
    ]
  }
}
