import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var outcomes: [Case] {
    let limit = AttemptOutcome.Limit(maximumAttempts: 2, failure: Failure(.providerUnavailable, "tried twice"))
    return [
      `case`("an interactive claim ends with its result, cost and reply") { ledger in
        let delivery = TestDelivery.interactive("a") {
          $0.customID = "mine"
          $0.callbackURL = "https://example.com/hook"
          $0.trace = TraceContext(traceparent: "00-1-2-01", tracestate: "x=y", batchTraceID: "t")
          $0.replyTo = "answers"
          $0.deadline = Timestamp(milliseconds: 1_800_000_000_000)
        }
        let claim = try await ledger.admit(delivery)
        ledger.advance(by: .seconds(2))
        try requireEqual(try await ledger.record(TestLedger.success(claim.id)), .finished)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.id, claim.id)
        try requireEqual(reply.ledgerID, delivery.ledgerID)
        try requireEqual(reply.callID, delivery.ledgerID)
        let request = delivery.request(at: ledger.now)
        try requireEqual(
          reply.envelope,
          ReplyAddress(
            correlationID: Array("c1".utf8), correlationGenerated: false, replyTo: Array("answers".utf8),
            customID: "mine", tags: request.envelope.tags, trace: delivery.trace,
            callbackURL: "https://example.com/hook", noReply: false))
        try requireEqual(reply.failure, nil)
        try requireEqual(reply.response, TestLedger.answer())
        try requireEqual(reply.lane, .interactive)
        try requireEqual(reply.route, delivery.route)
        try requireEqual(reply.model, "gpt-4o-mini")
        try requireEqual(reply.providerBatchID, nil)
        try requireEqual(reply.attempts, 1)
        try requireEqual(reply.usage, Usage(inputTokens: 5, cachedInputTokens: 2, outputTokens: 3))
        try requireEqual(reply.cost, PicoUSD(7))
        try requireEqual(reply.basis, .list)
        try requireEqual(reply.deadline, delivery.deadline)
        try requireEqual(reply.completedAt - reply.receivedAt, .seconds(2))
        try require(reply.deadLetter == nil)
      },
      `case`("a generated correlation ID is the ledger id's text, in every generation") { ledger in
        let delivery = TestDelivery.interactive("a") { $0.correlation = nil }
        let first = try await ledger.admit(delivery)
        try await ledger.store.fail([(first.id, Failure(.budgetExceeded, "no"), nil)], at: ledger.now)
        let second = try await ledger.admit(delivery)
        _ = try await ledger.record(TestLedger.success(second.id))
        for reply in try await ledger.takeReplies() {
          try require(reply.envelope.correlationGenerated)
          try requireEqual(reply.envelope.correlationID, Array(reply.ledgerID.text.utf8))
        }
      },
      `case`("the same attempt again changes nothing") { ledger in
        let claim = try await ledger.admit(.interactive("a"))
        let success = TestLedger.success(claim.id)
        try requireEqual(try await ledger.record(success), .finished)
        try await ledger.deliver()
        try requireEqual(try await ledger.record(success), .duplicate)
        try requireEqual(try await ledger.record(TestLedger.success(claim.id, "other")), .duplicate)
        try require(try await ledger.takeReplies().isEmpty)
      },
      `case`("an unknown request or attempt is told apart") { ledger in
        try requireEqual(try await ledger.record(TestLedger.success(RequestID(4711))), .unknown)
        let claim = try await ledger.admit(.interactive("a"))
        try requireEqual(try await ledger.record(TestLedger.success(claim.id, attempt: 2)), .unknown)
        try requireEqual(try await ledger.record(TestLedger.success(claim.id, attempt: 0)), .unknown)
        let accepted = try await ledger.admit(TestDelivery("b"))
        try requireEqual(try await ledger.record(TestLedger.success(accepted.id)), .unknown)
      },
      `case`("a success without a response is refused, and what was with it undone") { ledger in
        let claims = try await ledger.admit(.interactive("a"), .interactive("b"))
        let empty = AttemptOutcome(id: claims[1].id, attempt: 1, batch: nil, verdict: .finish(nil))
        try await requireError(.invalid) {
          _ = try await ledger.store.record([TestLedger.success(claims[0].id), empty], at: ledger.now)
        }
        try require(try await ledger.takeReplies().isEmpty)
        try requireEqual(try await ledger.record(TestLedger.success(claims[0].id)), .finished)
      },
      `case`("a claim goes on until its attempts are used up") { ledger in
        let claim = try await ledger.admit(.interactive("a"))
        var outcome = AttemptOutcome(id: claim.id, attempt: 1, batch: nil, verdict: .again(limit), costUnknown: true)
        outcome.response = ProviderResponse(statusCode: 500, requestID: nil, body: [9])
        try requireEqual(try await ledger.record(outcome), .applied)
        try requireEqual(try await ledger.record(outcome), .duplicate)
        try requireEqual(try await ledger.admit(.interactive("a")).kind, .inFlight)
        outcome.attempt = 2
        outcome.body = TestDelivery("a").requestBody
        try requireEqual(try await ledger.record(outcome), .finished)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.failure, limit.failure)
        try requireEqual(reply.response?.statusCode, 500)
        try requireEqual(reply.attempts, 2)
        // The outcome brought the body, so that it can be dead-lettered.
        try requireEqual(reply.deadLetter?.body, TestDelivery("a").requestBody.bytes)
        try requireEqual(reply.deadLetter?.properties, [1, 2, 3])
      },
      `case`("a batch row goes back to be sent again, and counts only with a limit") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let first = try await ledger.batch(row.id)
        let later = ledger.now + .seconds(60)
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(
              id: row.id, attempt: 1, batch: first.id, verdict: .requeue(notBefore: later, nil))), .applied)
        var accepted = try unwrap(try await ledger.store.acceptedRows(after: nil, limit: 1).first)
        try requireEqual(accepted.attempts, 0)
        try requireEqual(accepted.notBefore, later)
        let second = try await ledger.batch(row.id)
        let unsettled = try await ledger.store.unsettledRows(second.id, after: nil, limit: 10)
        try requireEqual(unsettled.map(\.attempt), [2])
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(
              id: row.id, attempt: 2, batch: second.id, verdict: .requeue(notBefore: later, limit))), .applied)
        accepted = try unwrap(try await ledger.store.acceptedRows(after: nil, limit: 1).first)
        try requireEqual(accepted.attempts, 1)
        let third = try await ledger.batch(row.id)
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(
              id: row.id, attempt: 3, batch: third.id, verdict: .requeue(notBefore: later, limit))), .finished)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.failure, limit.failure)
        try requireEqual(reply.attempts, 2)
        try requireEqual(reply.deadLetter?.body, TestDelivery("a").requestBody.bytes)
      },
      `case`("a result of a batch that the row has left is superseded, its cost kept once") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let first = try await ledger.batch(row.id)
        try await ledger.store.abandon(first.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        let second = try await ledger.batch(row.id)
        let late = TestLedger.success(row.id, attempt: 1, batch: first.id, "late")
        try requireEqual(try await ledger.record(late), .superseded)
        try requireEqual(try await ledger.record(late), .duplicate)
        try require(try await ledger.takeReplies().isEmpty)
        try requireEqual(
          try await ledger.record(TestLedger.success(row.id, attempt: 2, batch: second.id)), .finished)
        try requireEqual(try await ledger.takeReply().response, TestLedger.answer())
        try requireEqual(try await ledger.record(late), .duplicate)
      },
      `case`("a result that comes after a counted give-back still brings its cost once") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let first = try await ledger.batch(row.id)
        let limit = AttemptOutcome.Limit(maximumAttempts: 0, failure: Failure(.batchExpired, "gave up"))
        try await ledger.store.abandon(first.id, notBefore: ledger.now, limit: limit, at: ledger.now)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.failure?.code, .batchExpired)
        try requireEqual(reply.attempts, 1)
        let late = TestLedger.success(row.id, batch: first.id)
        try requireEqual(try await ledger.record(late), .superseded)
        try requireEqual(try await ledger.record(late), .duplicate)
        try require(try await ledger.takeReplies().isEmpty)
      },
      `case`("an outcome names its own batch") { ledger in
        let rows = try await ledger.admit(TestDelivery("a"), TestDelivery("b"))
        let first = try await ledger.batch(rows[0].id)
        let second = try await ledger.batch(rows[1].id)
        try requireEqual(
          try await ledger.record(TestLedger.success(rows[0].id, batch: second.id)), .superseded)
        try require(try await ledger.takeReplies().isEmpty)
        try requireEqual(try await ledger.store.unsettledRows(first.id, after: nil, limit: 9).count, 1)
      },
      `case`("what was not sent fails, what was sent does not") { ledger in
        let rows = try await ledger.admit(
          TestDelivery("a"), .interactive("b"), .interactive("c") { $0.custody = .ledger }, TestDelivery("d"))
        let batch = try await ledger.batch(rows[3].id)
        let failure = Failure(.deadlineExceeded, "too late")
        let body = TestDelivery("b").requestBody
        try await ledger.store.fail(
          [
            (rows[0].id, failure, nil), (rows[1].id, failure, body), (rows[2].id, failure, nil),
            (rows[3].id, failure, nil), (RequestID(4711), failure, nil),
          ], at: ledger.now)
        let replies = try await ledger.deliver().sorted { $0.id < $1.id }
        try requireEqual(replies.map(\.id), rows.prefix(3).map(\.id))
        try requireEqual(replies.map(\.failure), [failure, failure, failure])
        try requireEqual(replies.map(\.attempts), [0, 0, 0])
        try requireEqual(replies.compactMap(\.deadLetter).count, 3)
        try requireEqual(try await ledger.store.unsettledRows(batch.id, after: nil, limit: 9).count, 1)
      },
      `case`("a cancellation ends what is not sent and only its own subscriber") { ledger in
        let rows = try await ledger.admit(
          TestDelivery("a") { $0.correlation = "x" },
          .interactive("b") {
            $0.correlation = "x"
            $0.custody = .ledger
          },
          TestDelivery("c") { $0.correlation = "other" },
          TestDelivery("d") {
            $0.correlation = "x"
            $0.tenant = "t2"
          },
          TestDelivery("e") { $0.correlation = "x" }, .interactive("f") { $0.correlation = "x" })
        _ = try await ledger.batch(rows[4].id)
        let cancelled = try await ledger.store.cancel(tenant: "default", correlationID: Array("x".utf8), at: ledger.now)
        try requireEqual(Set(cancelled), [rows[0].id, rows[1].id])
        let replies = try await ledger.deliver()
        try requireEqual(Set(replies.map(\.id)), Set(cancelled))
        try requireEqual(replies.map(\.failure?.code), [.cancelled, .cancelled])
        try require(replies.allSatisfy { $0.deadLetter == nil })
        try require(
          try await ledger.store.cancel(tenant: "default", correlationID: Array("x".utf8), at: ledger.now).isEmpty)
      },
      `case`("a cancelled follower leaves the call to the others") { ledger in
        let leader = try await ledger.admit(TestDelivery("a"))
        let follower = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        // Others wait for it.
        try require(
          try await ledger.store.cancel(tenant: "default", correlationID: Array("c1".utf8), at: ledger.now).isEmpty)
        try requireEqual(
          try await ledger.store.cancel(tenant: "default", correlationID: Array("c2".utf8), at: ledger.now),
          [follower.id])
        try requireEqual(try await ledger.deliver().map(\.failure?.code), [.cancelled])
        // Asked for anew, it is another request of the same call.
        let again = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        try requireEqual(again.kind, .inFlight)
        try require(again.id != follower.id && again.ledgerID != follower.ledgerID)
        try await ledger.succeed(leader.id)
        try requireEqual(try await ledger.deliver().map(\.id), [leader.id, again.id])
      },
    ]
  }
}
