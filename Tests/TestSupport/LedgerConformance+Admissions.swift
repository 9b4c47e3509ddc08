import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var admissions: [Case] {
    [
      `case`("a new deferred request is accepted in the ledger's custody") { ledger in
        let delivery = TestDelivery("a")
        let admission = try await ledger.admit(delivery)
        try requireEqual(admission.kind, .new(attempt: 1))
        try requireEqual(admission.custody, .ledger)
        try requireEqual(admission.ledgerID, delivery.ledgerID)
        let row = try unwrap(try await ledger.store.acceptedRows(after: nil, limit: 10).first)
        try requireEqual(row.id, admission.id)
        try requireEqual(row.route, delivery.route)
        try requireEqual(row.endpoint, .responses)
        try requireEqual(row.tokens, 10)
        try requireEqual(row.bytes, Int64(delivery.requestBody.bytes.count))
        try requireEqual(row.attempts, 0)
        try requireEqual(row.receivedAt, ledger.now)
      },
      `case`("a new interactive request is claimed, or parked in the ledger's custody") { ledger in
        let claimed = try await ledger.admit(.interactive("a"))
        try requireEqual(claimed.kind, .new(attempt: 1))
        try requireEqual(claimed.custody, .broker)
        let parked = try await ledger.admit(.interactive("b") { $0.custody = .ledger })
        try requireEqual(parked.kind, .new(attempt: 1))
        try requireEqual(parked.custody, .ledger)
        try require(try await ledger.store.acceptedRows(after: nil, limit: 10).isEmpty)
        let routes = try await ledger.store.parkedLines()
        try requireEqual(routes.count, 1)
        try requireEqual(routes[0].line.route, TestDelivery("b").route)
      },
      `case`("one list keeps its order and sees itself") { ledger in
        let a = TestDelivery("a")
        let admissions = try await ledger.admit(a, TestDelivery("b"), a)
        try requireEqual(admissions.map(\.kind), [.new(attempt: 1), .new(attempt: 1), .inFlight])
        try requireEqual(admissions[0].id, admissions[2].id)
        try require(admissions[0].id < admissions[1].id)
      },
      `case`("the same subscriber again is in flight, then gets the same reply again") { ledger in
        for kind in [Identity.Kind.key, .messageID] {
          let delivery = TestDelivery("a") { $0.kind = kind }
          let first = try await ledger.admit(delivery)
          let second = try await ledger.admit(delivery)
          try requireEqual(second.kind, .inFlight)
          try requireEqual(second.id, first.id)
          try requireEqual(second.custody, .ledger)
          try await ledger.succeed(first.id)
          let reply = try unwrap(try await ledger.deliver().first)
          let third = try await ledger.admit(delivery)
          try requireEqual(third.kind, .answered)
          try requireEqual(third.id, first.id)
          let again = try await ledger.takeReply()
          try requireEqual(again.ledgerID, reply.ledgerID)
          try requireEqual(again.response, reply.response)
          try requireEqual(again.cost, PicoUSD(7))
          try requireEqual(again.basis, .batch)
          try requireEqual(again.replayed, false)
        }
      },
      `case`("another subscriber of a call on its way gets its own reply of the same answer") { ledger in
        let leader = try await ledger.admit(TestDelivery("a"))
        let other = TestDelivery("a") { $0.correlation = "c2" }
        let follower = try await ledger.admit(other)
        try requireEqual(follower.kind, .inFlight)
        try require(follower.id != leader.id)
        try requireEqual(follower.ledgerID, other.ledgerID)
        let third = try await ledger.admit(TestDelivery("a") { $0.replyTo = "q" })
        try requireEqual(third.kind, .inFlight)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 10).map(\.id), [leader.id])
        try await ledger.succeed(leader.id)
        let replies = try await ledger.takeReplies()
        try requireEqual(replies.map(\.id), [leader.id, follower.id, third.id])
        try requireEqual(Set(replies.map(\.callID)), [leader.ledgerID])
        try requireEqual(Set(replies.map(\.ledgerID)).count, 3)
        try requireEqual(replies.map(\.response), Array(repeating: TestLedger.answer(), count: 3))
        try requireEqual(
          replies.map { String(decoding: $0.envelope.correlationID, as: UTF8.self) }, ["c1", "c2", "c1"])
        try requireEqual(replies[2].envelope.replyTo, Array("q".utf8))
        // The call is paid once.
        try requireEqual(replies.map(\.cost), [PicoUSD(7), PicoUSD(0), PicoUSD(0)])
        try requireEqual(replies.map(\.replayed), [false, false, false])
      },
      `case`("another subscriber after the success gets the stored answer at no cost") { ledger in
        let leader = try await ledger.admit(TestDelivery("a"))
        try await ledger.succeed(leader.id)
        try await ledger.deliver()
        let later = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(later.kind, .answered)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.id, later.id)
        try requireEqual(reply.replayed, true)
        try requireEqual(reply.basis, .replay)
        try requireEqual(reply.cost, PicoUSD(0))
        try requireEqual(reply.callID, leader.ledgerID)
        try requireEqual(reply.response, TestLedger.answer())
        try await ledger.store.delivered([reply.taken], at: ledger.now)
        // Asked again it stays the same reply.
        try requireEqual(try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" }).id, later.id)
        try requireEqual(try await ledger.takeReply().ledgerID, reply.ledgerID)
      },
      `case`("a definite refusal of the provider is replayed") { ledger in
        let leader = try await ledger.admit(TestDelivery("a"))
        let batch = try await ledger.batch(leader.id)
        var outcome = TestLedger.failure(leader.id, .providerRejected, batch: batch.id)
        outcome.response = ProviderResponse(statusCode: 400, requestID: nil, body: [1])
        try requireEqual(try await ledger.record(outcome), .finished)
        try await ledger.deliver()
        let other = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(other.kind, .answered)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.failure?.code, .providerRejected)
        try requireEqual(reply.response?.statusCode, 400)
        try requireEqual(try await ledger.admit(TestDelivery("a")).kind, .answered)
      },
      `case`("after any other failure the key starts a new generation") { ledger in
        let delivery = TestDelivery("a")
        let first = try await ledger.admit(delivery)
        let batch = try await ledger.batch(first.id)
        _ = try await ledger.record(TestLedger.failure(first.id, .batchExpired, batch: batch.id))
        let reply = try unwrap(try await ledger.deliver().first)
        // A redelivery is not a new request: its reply may have been lost with the channel.
        let redelivery = try await ledger.admit(delivery.with { $0.redelivered = true })
        try requireEqual(redelivery.kind, .answered)
        try requireEqual(redelivery.id, first.id)
        try requireEqual(try await ledger.deliver().map(\.ledgerID), [reply.ledgerID])
        let second = try await ledger.admit(delivery)
        try requireEqual(second.kind, .new(attempt: 1))
        try require(second.id != first.id && second.ledgerID != first.ledgerID)
        try requireEqual(try await ledger.admit(delivery).id, second.id)
        try await ledger.succeed(second.id)
        try requireEqual(try await ledger.deliver().map(\.id), [second.id])
        try requireEqual(try await ledger.admit(delivery).id, second.id)
        // Another subscriber joins the latest generation.
        let other = try await ledger.admit(delivery.with { $0.correlation = "c2" })
        try requireEqual(other.kind, .answered)
        try requireEqual(try await ledger.takeReplies().map(\.callID), [second.ledgerID, second.ledgerID])
      },
      `case`("another subscriber after a failure leads a new generation") { ledger in
        let first = try await ledger.admit(TestDelivery("a"))
        try await ledger.store.fail([(first.id, Failure(.budgetExceeded, "no"), nil)], at: ledger.now)
        try await ledger.deliver()
        let second = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(second.kind, .new(attempt: 1))
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 10).map(\.id), [second.id])
        // The first subscriber now follows.
        let third = try await ledger.admit(TestDelivery("a"))
        try requireEqual(third.kind, .inFlight)
        try require(third.id != first.id && third.ledgerID != first.ledgerID)
      },
      `case`("a replay nonce forces a new generation once") { ledger in
        let first = try await ledger.admit(TestDelivery("a"))
        try await ledger.succeed(first.id, "one")
        try await ledger.deliver()
        let forced = TestDelivery("a") { $0.nonce = "n1" }
        let second = try await ledger.admit(forced)
        try requireEqual(second.kind, .new(attempt: 1))
        try requireEqual(try await ledger.admit(forced).kind, .inFlight)
        try await ledger.succeed(second.id, "two")
        try await ledger.deliver()
        let third = try await ledger.admit(TestDelivery("a") { $0.nonce = "n2" })
        try requireEqual(third.kind, .new(attempt: 1))
        // The earlier nonce still names its own generation.
        let again = try await ledger.admit(forced)
        try requireEqual(again.kind, .answered)
        try requireEqual(again.id, second.id)
        try requireEqual(try await ledger.takeReply().response, TestLedger.answer("two"))
        try requireEqual(try await ledger.admit(TestDelivery("a")).id, third.id)
      },
      `case`("tenants do not share keys") { ledger in
        let first = try await ledger.admit(TestDelivery("a"))
        let other = try await ledger.admit(TestDelivery("a") { $0.tenant = "other" })
        try requireEqual(other.kind, .new(attempt: 1))
        try require(other.id != first.id)
      },
      `case`("custody of an attached delivery is its call's") { ledger in
        let claim = try await ledger.admit(.interactive("a"))
        try requireEqual(claim.custody, .broker)
        let attached = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(attached.kind, .inFlight)
        try requireEqual(attached.custody, .broker)
        let kept = try await ledger.admit(TestDelivery("b"))
        try requireEqual(kept.custody, .ledger)
        let unheld = try await ledger.admit(.interactive("b"))
        try requireEqual(unheld.kind, .inFlight)
        try requireEqual(unheld.custody, .ledger)
      },
    ]
  }
}
