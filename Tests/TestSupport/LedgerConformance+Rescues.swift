import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var rescues: [Case] { deadlines + sentTwice + lateSuccesses }

  /// A submitted batch of rows that are due in a while.
  static func submitted(_ ledger: TestLedger, _ keys: String...) async throws -> (rows: [RequestID], batch: BatchID) {
    var rows: [RequestID] = []
    for key in keys {
      rows.append(try await ledger.admit(TestDelivery(key) { $0.deadline = ledger.now + .seconds(600) }).id)
    }
    let batch = try unwrap(try await ledger.plan(rows).batch).id
    try await ledger.store.markCreating(batch, inputFileID: "file", at: ledger.now)
    try await ledger.store.markSubmitted(batch, providerBatchID: "batch_1", at: ledger.now)
    return (rows, batch)
  }

  /// Sends rows of the batch synchronously too. Returns those that were.
  @discardableResult
  static func sendTwice(
    _ rows: [RequestID], of batch: BatchID, _ ledger: TestLedger, most: Int64 = 1000, cost: Int64 = 10
  ) async throws -> [RequestID] {
    let limit = SpendLimit(most: PicoUSD(most), since: ledger.now + .seconds(-86_400))
    let rescue = BatchRescue.sendTwice(rows.map { RescuedRow(id: $0, cost: PicoUSD(cost)) }, limit)
    return try await ledger.store.rescue(batch, rescue, at: ledger.now).map(\.id)
  }

  static func take(_ ledger: TestLedger) async throws -> [ParkedCall] {
    let route = TestDelivery("").route
    let claim = ParkedClaim(line: ParkedLine(route: route, callClass: .deferred), limit: 100)
    return try await ledger.store.takeParked(claim, at: ledger.now).calls
  }

  private static var deadlines: [Case] {
    [
      `case`("a plan leaves rows that are due too soon to the synchronous way") { ledger in
        let cutOff = ledger.now + .seconds(60)
        let rows = try await ledger.admit(
          TestDelivery("a") { $0.deadline = cutOff + .milliseconds(-1) }, TestDelivery("b") { $0.deadline = cutOff },
          TestDelivery("c"), TestDelivery("d") { $0.deadline = ledger.now + .milliseconds(-1) }
        ).map(\.id)
        let plan = BatchPlan(
          key: TestLedger.key, rows: rows, label: "label", account: "openai-1", trigger: .idle, cutOff: cutOff)
        let planned = try await ledger.store.plan(plan, at: ledger.now)
        try requireEqual(planned.expedited, [rows[0]])
        try requireEqual(planned.expired, [rows[3]])
        try requireEqual(planned.batch?.rowCount, 2)
        let calls = try await take(ledger)
        try requireEqual(calls.map(\.id), [rows[0]])
        try requireEqual(calls.map(\.attempt), [1])
        try requireEqual(calls.map(\.runsInBatch), [false])
        try requireEqual(try await ledger.record(TestLedger.success(rows[0])), .finished)
      },
      `case`("accepted rows are sent the synchronous way, others are left where they are") { ledger in
        let rows = try await ledger.admit(TestDelivery("a"), TestDelivery("b"), TestDelivery("c")).map(\.id)
        _ = try await ledger.batch(rows[1])
        try requireEqual(try await ledger.store.expedite(rows + [RequestID(4711)], at: ledger.now), 2)
        try requireEqual(try await ledger.store.expedite(rows, at: ledger.now), 0)
        try require(try await ledger.store.acceptedRows(after: nil, limit: 9).isEmpty)
        try requireEqual(Set(try await take(ledger).map(\.id)), [rows[0], rows[2]])
      },
      `case`("what is due is counted by its deadline, wherever it waits") { ledger in
        // At the beginning of a second.
        let soon = Timestamp(milliseconds: (ledger.now.milliseconds / 1000 + 100) * 1000)
        let rows = try await ledger.admit(
          TestDelivery("a") { $0.deadline = soon }, TestDelivery("b") { $0.deadline = soon + .milliseconds(900) },
          TestDelivery("c") { $0.deadline = soon + .seconds(60) }, TestDelivery("d"),
          TestDelivery("e") { $0.deadline = soon + .seconds(-60) },
          TestDelivery("f") { $0.deadline = soon }, TestDelivery("g") { $0.deadline = soon }
        ).map(\.id)
        let route = TestDelivery("").route
        _ = try await ledger.store.expedite([rows[0]], at: ledger.now)
        _ = try await ledger.batch(rows[1])
        try await ledger.succeed(rows[5])
        func due(_ limit: Int = 100) async throws -> [DueRows] {
          try await ledger.store.dueRows(route, after: soon + .seconds(-1), limit: limit)
        }
        let tokens = try unwrap(try await ledger.store.backlog().first?.tokens) / 6
        let first = DueRows(earliest: soon, latest: soon + .milliseconds(900), count: 3, tokens: 3 * tokens)
        let second = DueRows(
          earliest: soon + .seconds(60), latest: soon + .seconds(60), count: 1, tokens: tokens)
        try requireEqual(try await due(), [first, second])
        try requireEqual(try await due(3), [first])
        try require(try await ledger.store.dueRows(Route(provider: "other", model: "x"), after: soon, limit: 9).isEmpty)
      },
      `case`("batches tell how long they took, and from when on they were cancelled") { ledger in
        let begin = ledger.now
        let (rows, batch) = try await submitted(ledger, "a")
        ledger.advance(by: .seconds(30))
        func runs() async throws -> [BatchRun] {
          try await ledger.store.batchRuns(account: "openai-1", limit: 10, at: ledger.now).map(\.run)
        }
        try requireEqual(
          try await runs(), [BatchRun(submittedAt: begin, endedAt: begin + .seconds(30), isOver: false)])
        _ = try await ledger.store.rescue(batch, .cancel, at: ledger.now)
        try requireEqual(try await ledger.store.openBatches().map(\.cancelledAt), [begin + .seconds(30)])
        ledger.advance(by: .seconds(10))
        // Deciding it again changes nothing.
        _ = try await ledger.store.rescue(batch, .cancel, at: ledger.now)
        let record = try unwrap(try await ledger.store.openBatches().first)
        _ = try await ledger.store.learn(.ran, from: record, random: 0, at: ledger.now)
        _ = try await ledger.record(TestLedger.success(rows[0], batch: batch))
        try await ledger.store.settle(batch, at: ledger.now)
        try requireEqual(
          try await runs(),
          [BatchRun(submittedAt: begin, cancelledAt: begin + .seconds(30), endedAt: begin + .seconds(40))])
        // One that the provider failed says nothing.
        let (_, failed) = try await submitted(ledger, "b")
        try await ledger.store.abandon(failed, notBefore: ledger.now, limit: nil, at: ledger.now)
        try requireEqual(try await runs().count, 1)
        // Rows of one that was cancelled are known by that.
        let (gone, third) = try await submitted(ledger, "c")
        _ = try await ledger.store.rescue(third, .cancel, at: ledger.now)
        try await ledger.store.abandon(third, notBefore: ledger.now, limit: nil, at: ledger.now)
        let accepted = try await ledger.store.acceptedRows(after: nil, limit: 9)
        try requireEqual(accepted.filter(\.wasCancelled).map(\.id), gone)
        try requireEqual(accepted.count, 2)
        try require(try await ledger.store.batchRuns(account: "other", limit: 10, at: ledger.now).isEmpty)
      },
      `case`("only a submitted batch is rescued") { ledger in
        let row = try await ledger.admit(TestDelivery("a")).id
        let batch = try await ledger.batch(row).id
        // One that comes home while that is decided is nobody's mistake.
        try requireEqual(try await ledger.store.rescue(batch, .cancel, at: ledger.now).count, 0)
        try require(try await ledger.store.openBatches().allSatisfy { $0.cancelledAt == nil })
        try requireEqual(try await sendTwice([row], of: batch, ledger), [])
      },
    ]
  }

  private static var sentTwice: [Case] {
    let limit = AttemptOutcome.Limit(maximumAttempts: 1, failure: Failure(.providerUnavailable, "used up"))
    return [
      `case`("rows are sent twice as far as the budget of all goes") { ledger in
        let (rows, batch) = try await submitted(ledger, "a", "b", "c")
        let (others, other) = try await submitted(ledger, "d", "e")
        try requireEqual(try await sendTwice(rows, of: batch, ledger, most: 25), Array(rows.prefix(2)))
        try requireEqual(try await ledger.store.unsettledRows(batch, after: nil, limit: 9).map(\.id), [rows[2]])
        try require(try await sendTwice(others, of: other, ledger, most: 25).isEmpty)
        try requireEqual(try await ledger.store.doubleSpend(since: ledger.now), PicoUSD(20))
        // The same rows again are not sent once more, and cost nothing.
        try requireEqual(try await sendTwice(rows, of: batch, ledger, most: 50), [rows[2]])
        try requireEqual(try await ledger.store.doubleSpend(since: ledger.now), PicoUSD(30))
        ledger.advance(by: .seconds(86_401))
        try requireEqual(try await ledger.store.doubleSpend(since: ledger.now + .seconds(-86_400)), PicoUSD(0))
        try requireEqual(try await sendTwice(others, of: other, ledger, most: 25), others)
      },
      `case`("the synchronous answer comes first: the batch's is superseded") { ledger in
        let (rows, batch) = try await submitted(ledger, "a")
        try await sendTwice(rows, of: batch, ledger)
        let call = try unwrap(try await take(ledger).first)
        try requireEqual(call.attempt, 2)
        try require(call.runsInBatch)
        try require(!(try await ledger.store.hasOutcome(rows[0])))
        try requireEqual(try await ledger.record(TestLedger.success(rows[0], attempt: 2, "call")), .finished)
        try require(try await ledger.store.hasOutcome(rows[0]))
        let reply = try await ledger.takeReply()
        try requireEqual(reply.response, TestLedger.answer("call"))
        try requireEqual(reply.basis, .list)
        try requireEqual(reply.lane, .interactive)
        try requireEqual(reply.providerBatchID, nil)
        let late = TestLedger.success(rows[0], attempt: 1, batch: batch, "batch")
        try requireEqual(try await ledger.record(late), .superseded)
        try requireEqual(try await ledger.record(late), .duplicate)
        try await ledger.store.settle(batch, at: ledger.now)
        try require(try await ledger.takeReplies().isEmpty)
      },
      `case`("the batch's answer comes before the call was sent: it is dropped") { ledger in
        let (rows, batch) = try await submitted(ledger, "a")
        try await sendTwice(rows, of: batch, ledger)
        try requireEqual(
          try await ledger.record(TestLedger.success(rows[0], attempt: 1, batch: batch, "batch")), .finished)
        try require(try await take(ledger).isEmpty)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.response, TestLedger.answer("batch"))
        try requireEqual(reply.providerBatchID, "batch_1")
        try requireEqual(reply.lane, .deferred)
        try requireEqual(reply.attempts, 1)
        try await ledger.store.settle(batch, at: ledger.now)
      },
      `case`("the batch's answer comes while the call is under way: the call's is superseded") { ledger in
        let (rows, batch) = try await submitted(ledger, "a")
        try await sendTwice(rows, of: batch, ledger)
        _ = try await take(ledger)
        let first = TestLedger.success(rows[0], attempt: 1, batch: batch, "batch")
        try requireEqual(try await ledger.record(first), .finished)
        let second = TestLedger.success(rows[0], attempt: 2, "call")
        try requireEqual(try await ledger.record(second), .superseded)
        for outcome in [first, second] { try requireEqual(try await ledger.record(outcome), .duplicate) }
        try requireEqual(try await ledger.takeReply().response, TestLedger.answer("batch"))
        try await ledger.store.settle(batch, at: ledger.now)
      },
      `case`("a call that fails waits for the batch, by whatever it fails") { ledger in
        let (rows, batch) = try await submitted(ledger, "a", "b", "c", "d")
        try await sendTwice(rows, of: batch, ledger)
        // The last is parked still when its deadline passes.
        let route = TestDelivery("").route
        let claim = ParkedClaim(line: ParkedLine(route: route, callClass: .deferred), limit: 3)
        try requireEqual(
          try await ledger.store.takeParked(claim, at: ledger.now).calls.map(\.id), Array(rows.prefix(3)))
        let rejected = TestLedger.failure(rows[0], .providerRejected, attempt: 2)
        try requireEqual(try await ledger.record(rejected), .applied)
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(
              id: rows[1], attempt: 2, batch: nil, verdict: .park(notBefore: ledger.now, limit))), .applied)
        let late = Failure(.deadlineExceeded, "too late")
        try await ledger.store.fail(rows.suffix(2).map { ($0, late, nil) }, at: ledger.now)
        try require(try await ledger.takeReplies().isEmpty)
        try require(try await take(ledger).isEmpty)
        let waiting = try await ledger.store.unsettledRows(batch, after: nil, limit: 9)
        try requireEqual(waiting.map(\.id), rows)
        try requireEqual(waiting.map(\.attempt), [1, 1, 1, 1])
        try requireEqual(waiting.map(\.wasRescued), [true, true, true, true])
        // Not once more.
        try require(try await sendTwice(rows, of: batch, ledger).isEmpty)
        try await requireError(.invalid) { try await ledger.store.settle(batch, at: ledger.now) }
        try requireEqual(try await ledger.record(rejected), .duplicate)
        for row in rows.prefix(2) {
          try requireEqual(try await ledger.record(TestLedger.success(row, attempt: 1, batch: batch)), .finished)
        }
        try requireEqual(
          try await ledger.record(TestLedger.failure(rows[2], .providerRejected, attempt: 1, batch: batch)), .finished)
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(
              id: rows[3], attempt: 1, batch: batch, verdict: .requeue(notBefore: ledger.now, nil))), .applied)
        try await ledger.store.settle(batch, at: ledger.now)
        let replies = try await ledger.deliver()
        try requireEqual(replies.map(\.id), Array(rows.prefix(3)))
        try requireEqual(replies.map(\.failure?.code), [nil, nil, .providerRejected])
        // Its next attempt is one that there was not before.
        let again = try await ledger.batch(rows[3])
        try requireEqual(try await ledger.store.unsettledRows(again.id, after: nil, limit: 9).map(\.attempt), [2])
      },
      `case`("what was called another way goes as its batch does when that decides") { ledger in
        let (rows, batch) = try await submitted(ledger, "a", "b")
        try await sendTwice(rows, of: batch, ledger)
        let (own, other) = (TestDelivery("").route, Route(provider: "azure", model: "deployment"))
        try await ledger.store.reroute(rows, to: other)
        let claim = ParkedClaim(line: ParkedLine(route: other, callClass: .deferred), limit: 9)
        try requireEqual(try await ledger.store.takeParked(claim, at: ledger.now).calls.map(\.id), rows)
        try requireEqual(try await ledger.store.dueRows(own, after: ledger.now, limit: 9).count, 0)
        try requireEqual(
          try await ledger.record(TestLedger.failure(rows[0], .providerRejected, attempt: 2)), .applied)
        try requireEqual(try await ledger.store.dueRows(own, after: ledger.now, limit: 9).map(\.count), [1])
        try requireEqual(
          try await ledger.store.unsettledRows(batch, after: nil, limit: 9).map(\.model), ["gpt-4o-mini"])
        // The second is under way elsewhere when the batch brings it.
        try requireEqual(try await ledger.record(TestLedger.success(rows[1], attempt: 1, batch: batch)), .finished)
        try requireEqual(try await ledger.takeReply().route, own)
        try await ledger.store.abandon(batch, notBefore: ledger.now, limit: nil, at: ledger.now)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.route), [own])
      },
      `case`("a row of the batch that fails leaves the call to decide") { ledger in
        let (rows, batch) = try await submitted(ledger, "a", "b", "c")
        try await sendTwice(rows, of: batch, ledger)
        _ = try await take(ledger)
        try requireEqual(
          try await ledger.record(TestLedger.failure(rows[0], .providerRejected, attempt: 1, batch: batch)), .superseded
        )
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(
              id: rows[1], attempt: 1, batch: batch, verdict: .requeue(notBefore: ledger.now, limit))), .superseded)
        // Of the third the provider says nothing.
        try await ledger.store.settle(batch, at: ledger.now)
        try require(try await ledger.takeReplies().isEmpty)
        for row in rows {
          try requireEqual(try await ledger.record(TestLedger.failure(row, .providerRejected, attempt: 2)), .finished)
        }
        try requireEqual(try await ledger.deliver().map(\.failure?.code), Array(repeating: .providerRejected, count: 3))
      },
      `case`("a batch that is given up leaves nothing to wait for") { ledger in
        let (rows, batch) = try await submitted(ledger, "a", "b")
        try await sendTwice(rows, of: batch, ledger)
        let claim = ParkedClaim(
          line: ParkedLine(route: TestDelivery("").route, callClass: .deferred), limit: 1)
        _ = try await ledger.store.takeParked(claim, at: ledger.now)
        // The first is back in the batch, the second waits to be called.
        _ = try await ledger.record(TestLedger.failure(rows[0], .providerRejected, attempt: 2))
        try await ledger.store.abandon(batch, notBefore: ledger.now, limit: nil, at: ledger.now)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id), [rows[0]])
        let late = Failure(.deadlineExceeded, "too late")
        try await ledger.store.fail(rows.map { ($0, late, nil) }, at: ledger.now)
        try requireEqual(try await ledger.deliver().map(\.failure), [late, late])
      },
      `case`("a restart between the calls changes nothing") { ledger in
        let (rows, batch) = try await submitted(ledger, "a")
        try await sendTwice(rows, of: batch, ledger)
        try await ledger.reopen()
        try requireEqual(try await take(ledger).map(\.attempt), [2])
        try await ledger.reopen()
        // Its end was never seen.
        let call = try unwrap(try await take(ledger).first)
        try requireEqual(call.attempt, 3)
        try require(call.runsInBatch)
        try requireEqual(try await ledger.store.openBatches().count, 1)
        try requireEqual(
          try await ledger.record(TestLedger.success(rows[0], attempt: 1, batch: batch)), .finished)
        try requireEqual(try await ledger.record(TestLedger.success(rows[0], attempt: 3)), .superseded)
        try requireEqual(try await ledger.deliver().count, 1)
      },
      `case`("what was sent in a batch cannot be cancelled, though it waits to be called") { ledger in
        let (rows, batch) = try await submitted(ledger, "a")
        try await sendTwice(rows, of: batch, ledger)
        try require(
          try await ledger.store.cancel(tenant: "default", correlationID: Array("c1".utf8), at: ledger.now).isEmpty)
        try requireEqual(try await ledger.record(TestLedger.success(rows[0], attempt: 1, batch: batch)), .finished)
      },
    ]
  }

  private static var lateSuccesses: [Case] {
    [
      `case`("a late success of a batch that was given up ends a request that waits") { ledger in
        let (rows, batch) = try await submitted(ledger, "a", "b")
        let limit = AttemptOutcome.Limit(maximumAttempts: 5, failure: Failure(.batchExpired, "gave up"))
        try await ledger.store.abandon(batch, notBefore: ledger.now, limit: limit, at: ledger.now)
        // One of them is on its way again.
        let second = try await ledger.batch(rows[1]).id
        try await ledger.store.markCreating(second, inputFileID: "file", at: ledger.now)
        try await ledger.store.markSubmitted(second, providerBatchID: "batch_2", at: ledger.now)
        for row in rows {
          let late = TestLedger.success(row, attempt: 1, batch: batch, "late")
          try requireEqual(try await ledger.record(late), .finished)
          try requireEqual(try await ledger.record(late), .duplicate)
        }
        let replies = try await ledger.deliver()
        try requireEqual(replies.map(\.response), [TestLedger.answer("late"), TestLedger.answer("late")])
        try requireEqual(replies.map(\.providerBatchID), ["batch_1", "batch_1"])
        try requireEqual(replies.map(\.attempts), [1, 1])
        try require(try await ledger.store.acceptedRows(after: nil, limit: 9).isEmpty)
        try requireEqual(
          try await ledger.record(TestLedger.success(rows[1], attempt: 2, batch: second)), .superseded)
        try await ledger.store.settle(second, at: ledger.now)
      }
    ]
  }
}
