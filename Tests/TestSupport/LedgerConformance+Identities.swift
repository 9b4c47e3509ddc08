import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var fingerprints: [Case] {
    let same = TestDelivery("a") { $0.kind = .fingerprint }
    return [
      `case`("with a fingerprint only, a first delivery is always another request") { ledger in
        let first = try await ledger.admit(same)
        let second = try await ledger.admit(same)
        let third = try await ledger.admit(same)
        try requireEqual([first, second, third].map(\.kind), Array(repeating: .new(attempt: 1), count: 3))
        try requireEqual(Set([first, second, third].map(\.ledgerID)).count, 3)
        try requireEqual(first.ledgerID, same.ledgerID)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 10).count, 3)
      },
      `case`("a redelivery is absorbed by one row whose ack may be lost") { ledger in
        let first = try await ledger.admit(same)
        let second = try await ledger.admit(same)
        let again = same.with {
          $0.redelivered = true
          $0.generation = 2
        }
        let redeliveries = [try await ledger.admit(again), try await ledger.admit(again)]
        try requireEqual(redeliveries.map(\.kind), [.inFlight, .inFlight])
        try requireEqual(Set(redeliveries.map(\.id)), [first.id, second.id])
        // Both rows are held by deliveries of this channel now, so a third one is new.
        try requireEqual(try await ledger.admit(again).kind, .new(attempt: 1))
        // On the next channel all three may come again, in any order of generations.
        let next = again.with { $0.generation = -5 }
        for _ in 0..<3 { try requireEqual(try await ledger.admit(next).kind, .inFlight) }
        try requireEqual(try await ledger.admit(next).kind, .new(attempt: 1))
      },
      `case`("once its ack is known to be processed a row absorbs nothing") { ledger in
        let first = try await ledger.admit(same)
        try await ledger.store.acknowledged([first.id, RequestID(999)])
        let again = same.with {
          $0.redelivered = true
          $0.generation = 2
        }
        let second = try await ledger.admit(again)
        try requireEqual(second.kind, .new(attempt: 1))
        try require(second.id != first.id)
      },
      `case`("a finished row that absorbs gives its reply again") { ledger in
        for code in [nil, FailureCode.deadlineExceeded] {
          let delivery = TestDelivery("f \(String(describing: code))") { $0.kind = .fingerprint }
          let first = try await ledger.admit(delivery)
          if let code {
            try await ledger.store.fail([(first.id, Failure(code, "no"), nil)], at: ledger.now)
          } else {
            try await ledger.succeed(first.id)
          }
          try await ledger.deliver()
          let again = try await ledger.admit(
            delivery.with {
              $0.redelivered = true
              $0.generation = 2
            })
          try requireEqual(again.kind, .answered)
          try requireEqual(try await ledger.deliver().map(\.ledgerID), [first.ledgerID])
        }
      },
      `case`("poison with a fingerprint only is absorbed like a call") { ledger in
        let failure = Failure(.invalidJSON, "not JSON")
        let bad = same.with { $0.poison = failure }
        let first = try await ledger.admit(bad)
        try requireEqual(first.kind, .refused(failure))
        try requireEqual(try await ledger.deliver().map(\.id), [first.id])
        let again = try await ledger.admit(
          bad.with {
            $0.redelivered = true
            $0.generation = 2
          })
        try requireEqual(again.kind, .refused(failure))
        try requireEqual(again.id, first.id)
        try requireEqual(try await ledger.deliver().map(\.ledgerID), [first.ledgerID])
        let other = try await ledger.admit(bad)
        try require(other.id != first.id && other.ledgerID != first.ledgerID)
      },
    ]
  }

  static var refusals: [Case] {
    let failure = Failure(.invalidRequest, "messages is missing")
    let bad = TestDelivery("a") {
      $0.poison = failure
      $0.body = "bad"
    }
    return [
      `case`("poison is recorded with its reply, which comes again") { ledger in
        let first = try await ledger.admit(bad)
        try requireEqual(first.kind, .refused(failure))
        try requireEqual(first.custody, .broker)
        try requireEqual(first.ledgerID, bad.ledgerID)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.failure, failure)
        try requireEqual(reply.response, nil)
        try requireEqual(reply.lane, nil)
        try requireEqual(reply.route, nil)
        try requireEqual(reply.attempts, 0)
        try require(reply.deadLetter == nil)
        try await ledger.store.delivered([reply.taken], at: ledger.now)
        let again = try await ledger.admit(bad)
        try requireEqual(again, first)
        try requireEqual(try await ledger.takeReply().ledgerID, reply.ledgerID)
        try require(try await ledger.store.backlog().isEmpty)
      },
      `case`("poison is never a call: a later good request with its key is new") { ledger in
        let first = try await ledger.admit(bad)
        let good = TestDelivery("a")
        let second = try await ledger.admit(good)
        try requireEqual(second.kind, .new(attempt: 1))
        try require(second.ledgerID != first.ledgerID)
        try requireEqual(try await ledger.admit(good).id, second.id)
        try requireEqual(try await ledger.admit(bad).id, first.id)
        try await ledger.succeed(second.id)
        try requireEqual(try await ledger.admit(bad).id, first.id)
      },
      `case`("poison beside a call has a reply of its own") { ledger in
        let call = try await ledger.admit(TestDelivery("a"))
        let first = try await ledger.admit(bad)
        try requireEqual(first.kind, .refused(failure))
        try require(first.id != call.id && first.ledgerID != call.ledgerID)
        try requireEqual(try await ledger.admit(bad).id, first.id)
        let other = try await ledger.admit(bad.with { $0.body = "worse" })
        try require(other.id != first.id && other.ledgerID != first.ledgerID)
        try requireEqual(try await ledger.admit(TestDelivery("a")).kind, .inFlight)
      },
      `case`("the same key with another body is a conflict") { ledger in
        let call = try await ledger.admit(TestDelivery("a"))
        let other = TestDelivery("a") { $0.body = "other" }
        let first = try await ledger.admit(other)
        guard case .refused(let conflict) = first.kind else { throw ConformanceFailure(description: "\(first)") }
        try requireEqual(conflict.code, .idempotencyConflict)
        try requireEqual(first.custody, .broker)
        try require(first.id != call.id && first.ledgerID != call.ledgerID)
        try requireEqual(try await ledger.deliver().map(\.failure?.code), [.idempotencyConflict])
        try requireEqual(try await ledger.admit(other), first)
        try requireEqual(try await ledger.deliver().map(\.ledgerID), [first.ledgerID])
        // It conflicts with the call, not with what conflicted before.
        try requireEqual(try await ledger.admit(TestDelivery("a")).kind, .inFlight)
        let third = try await ledger.admit(other.with { $0.body = "third" })
        try require(third.id != first.id && third.ledgerID != first.ledgerID)
      },
      `case`("only an explicit key can conflict") { ledger in
        let first = try await ledger.admit(TestDelivery("a") { $0.kind = .messageID })
        let second = try await ledger.admit(
          TestDelivery("a") {
            $0.kind = .messageID
            $0.body = "other"
          })
        try requireEqual(second.kind, .new(attempt: 1))
        try require(first.id != second.id)
      },
      `case`("a refused row is not a leader after the conflict either") { ledger in
        let other = TestDelivery("a") { $0.body = "other" }
        let call = try await ledger.admit(TestDelivery("a"))
        _ = try await ledger.admit(other)
        let follower = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(follower.kind, .inFlight)
        try await ledger.deliver()
        try await ledger.succeed(call.id)
        try requireEqual(try await ledger.deliver().map(\.id), [call.id, follower.id])
      },
      `case`("at the delivery limit a claim that died is answered and not sent") { ledger in
        let delivery = TestDelivery.interactive("a")
        let claim = try await ledger.admit(delivery)
        try await ledger.reopen()
        let limit = Failure(.deliveryLimit, "too often")
        let last = try await ledger.admit(
          delivery.with {
            $0.redelivered = true
            $0.poison = limit
            $0.body = "not parsed"
          })
        try requireEqual(last.kind, .refused(limit))
        try requireEqual(last.id, claim.id)
        try requireEqual(try await ledger.deliver().map(\.failure), [limit])
        try require(try await ledger.store.backlog().isEmpty)
      },
    ]
  }
}
