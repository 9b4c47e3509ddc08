import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  static var batches: [Case] {
    [
      `case`("a plan takes the rows that are accepted, in id order, once") { ledger in
        let rows = try await ledger.admit(
          TestDelivery("a"), TestDelivery("b") { $0.body = "longer" }, TestDelivery("c"))
        let first = try await ledger.batch(rows[2].id)
        let ids = [rows[1].id, rows[0].id, rows[2].id, rows[0].id, RequestID(4711)]
        let batch = try unwrap(try await ledger.plan(ids).batch)
        try requireEqual(batch.rowCount, 2)
        try requireEqual(batch.state, .planned)
        try requireEqual(batch.tokens, 20)
        let bodies = [TestDelivery("a").requestBody, TestDelivery("b") { $0.body = "longer" }.requestBody]
        try requireEqual(batch.bodyBytes, Int64(bodies.map(\.bytes.count).reduce(0, +)))
        try requireEqual(batch.modelRangeBytes, Int64(bodies.map(\.modelRange.count).reduce(0, +)))
        let customIDs = rows.prefix(2).map { "\(batch.label)_\($0.id.rawValue)_1" }
        try requireEqual(batch.customIDBytes, Int64(customIDs.map(\.utf8.count).reduce(0, +)))
        let read = try await ledger.store.batchRows(batch.id, after: nil, limit: 10, maximumBytes: 1 << 20)
        try requireEqual(read.map(\.id), [rows[0].id, rows[1].id])
        try requireEqual(read.map(\.attempt), [1, 1])
        try requireEqual(read.map(\.body), bodies)
        try requireEqual(
          String(decoding: read[0].body.bytes[read[0].body.modelRange], as: UTF8.self), #""gpt-4o-mini""#)
        try requireEqual(try await ledger.store.openBatches(), [first, batch])
        try require(try await ledger.store.acceptedRows(after: nil, limit: 10).isEmpty)
        try require(try await ledger.plan(ids).batch == nil)
        // A label names one batch.
        _ = try await ledger.admit(TestDelivery("z"))
        let last = try unwrap(try await ledger.store.acceptedRows(after: nil, limit: 1).first)
        try await requireError(.invalid) {
          let plan = BatchPlan(
            key: TestLedger.key, rows: [last.id], label: batch.label, account: "x", trigger: .age)
          _ = try await ledger.store.plan(plan, at: ledger.now)
        }
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 10).map(\.id), [last.id])
      },
      `case`("the content hash tells batches with other rows or attempts apart") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let first = try await ledger.batch(row.id)
        try requireEqual(try await ledger.store.openBatches().first?.contentHash, first.contentHash)
        try await ledger.store.abandon(first.id, notBefore: ledger.now, limit: nil, at: ledger.now)
        try require(try await ledger.batch(row.id).contentHash != first.contentHash)
      },
      `case`("rows whose deadline has passed are answered and not sent") { ledger in
        let soon = ledger.now + .seconds(10)
        let rows = try await ledger.admit(
          TestDelivery("a") { $0.deadline = soon }, TestDelivery("b"),
          TestDelivery("c") { $0.deadline = soon + .seconds(60) })
        let follower = try await ledger.admit(TestDelivery("a") { $0.correlation = "c2" })
        ledger.advance(by: .seconds(11))
        let planned = try await ledger.plan(rows.map(\.id))
        try requireEqual(planned.expired, [rows[0].id])
        try requireEqual(planned.batch?.rowCount, 2)
        let replies = try await ledger.deliver()
        try requireEqual(replies.map(\.id), [rows[0].id, follower.id])
        try requireEqual(replies.map(\.failure?.code), [.deadlineExceeded, .deadlineExceeded])
        try requireEqual(replies[0].deadLetter?.body, TestDelivery("a").requestBody.bytes)
        try requireEqual(replies[0].deadLetter?.properties, [1, 2, 3])
        // The request is dead-lettered once, not once for each subscriber.
        try require(replies[1].deadLetter == nil)
        ledger.advance(by: .seconds(100))
        let late = try await ledger.admit(TestDelivery("d") { $0.deadline = soon })
        let none = try await ledger.plan([late.id])
        try require(none.batch == nil)
        try requireEqual(none.expired, [late.id])
      },
      `case`("a batch is read in pieces by rows and by bytes") { ledger in
        var ids: [RequestID] = []
        for index in 0..<10 { ids.append(try await ledger.admit(TestDelivery("k\(index)")).id) }
        let batch = try unwrap(try await ledger.plan(ids).batch)
        for (limit, bytes) in [(3, 1 << 20), (100, 1), (4, 100)] {
          var read: [RequestID] = []
          while true {
            let rows = try await ledger.store.batchRows(batch.id, after: read.last, limit: limit, maximumBytes: bytes)
            if rows.isEmpty { break }
            try require(rows.count <= limit)
            read += rows.map(\.id)
          }
          try requireEqual(read, ids)
        }
        let one = try await ledger.store.batchRows(batch.id, after: nil, limit: 100, maximumBytes: 1)
        try requireEqual(one.count, 1)
      },
      `case`("rows of a batch whose prompts begin alike are neighbours, and its lines are found again") { ledger in
        let orders: [Int64] = [7, 0, .max, 7, 3, 0, 3, 7]
        var ids: [RequestID] = []
        for (index, order) in orders.enumerated() {
          ids.append(try await ledger.admit(TestDelivery("k\(index)") { $0.promptOrder = order }).id)
        }
        let batch = try unwrap(try await ledger.plan(ids).batch)
        let wanted = [1, 5, 4, 6, 0, 3, 7, 2].map { ids[$0] }
        for limit in [1, 3, 100] {
          var read: [RequestID] = []
          var lines: [RequestID] = []
          while true {
            let rows = try await ledger.store.batchRows(batch.id, after: read.last, limit: limit, maximumBytes: 1 << 20)
            if rows.isEmpty { break }
            read += rows.map(\.id)
          }
          while true {
            let rows = try await ledger.store.unsettledRows(batch.id, after: lines.last, limit: limit)
            if rows.isEmpty { break }
            lines += rows.map(\.id)
          }
          try requireEqual(read, wanted)
          try requireEqual(lines, wanted)
        }
        // One that is answered meanwhile does not have others left out.
        let first = try await ledger.store.unsettledRows(batch.id, after: nil, limit: 5)
        let last = try unwrap(first.last)
        _ = try await ledger.record(TestLedger.success(last.id, attempt: last.attempt, batch: batch.id))
        let rest = try await ledger.store.unsettledRows(batch.id, after: last.id, limit: 100)
        try requireEqual(rest.map(\.id), Array(wanted.dropFirst(5)))
      },
      `case`("a batch goes through its states") { ledger in
        let row = try await ledger.admit(TestDelivery("a"))
        let id = try await ledger.batch(row.id).id
        func record() async throws -> BatchRecord { try unwrap(try await ledger.store.openBatches().first) }
        try await ledger.store.markCreating(id, inputFileID: "file-1", at: ledger.now)
        try requireEqual(try await record().state, .creating)
        try requireEqual(try await record().inputFileID, "file-1")
        // While it is creating: when that began.
        try requireEqual(try await record().submittedAt, ledger.now)
        try await ledger.store.markPlanned(id)
        try requireEqual(try await record().state, .planned)
        try requireEqual(try await record().inputFileID, nil)
        try requireEqual(try await record().submittedAt, nil)
        try await ledger.store.markCreating(id, inputFileID: "file-2", at: ledger.now)
        ledger.advance(by: .seconds(1))
        for _ in 0..<2 { try await ledger.store.markSubmitted(id, providerBatchID: "batch_1", at: ledger.now) }
        try requireEqual(try await record().state, .submitted)
        try requireEqual(try await record().providerBatchID, "batch_1")
        try requireEqual(try await record().submittedAt, ledger.now)
        try await requireError(.invalid) {
          try await ledger.store.markSubmitted(id, providerBatchID: "batch_2", at: ledger.now)
        }
        try await requireError(.invalid) { try await ledger.store.markPlanned(id) }
        try await requireError(.invalid) {
          try await ledger.store.markCreating(id, inputFileID: "file-3", at: ledger.now)
        }
        try await requireError(.invalid) { try await ledger.store.settle(id, at: ledger.now) }
        _ = try await ledger.record(TestLedger.success(row.id, batch: id))
        try requireEqual(try await ledger.takeReply().providerBatchID, "batch_1")
        for _ in 0..<2 { try await ledger.store.settle(id, at: ledger.now) }
        try require(try await ledger.store.openBatches().isEmpty)
        try await requireError(.invalid) { try await ledger.store.settle(BatchID(4711), at: ledger.now) }
      },
      `case`("the lines of a batch are kept once, while it is planned") { ledger in
        let row = try await ledger.admit(
          TestDelivery("a") {
            $0.tokens = 123
            $0.tenant = "acme"
          })
        let id = try await ledger.batch(row.id).id
        let read = try await ledger.store.batchRows(id, after: nil, limit: 1, maximumBytes: 1)
        try requireEqual(read.map(\.tokens), [123])
        try requireEqual(read.map(\.tenant), ["acme"])
        try requireEqual(try await ledger.store.lines(of: id), nil)
        let members = (0..<2000).map { number in
          BatchLines.Member(
            id: RequestID(number % 3 == 0 ? .max - Int64(number) : Int64(number)), inputs: 1 + number * 1000,
            tokens: number == 7 ? .max : Int64(number))
        }
        let lines = BatchLines(
          shared: [members, Array(members.suffix(2))], count: 4711, bodyBytes: .max, modelRangeBytes: 0,
          customIDBytes: 1)
        try requireEqual(try await ledger.store.keepLines(lines, of: id), lines)
        try requireEqual(try await ledger.store.lines(of: id), lines)
        try requireEqual(try await ledger.store.keepLines(BatchLines(count: 1), of: id), lines)
        try await ledger.reopen()
        try await ledger.store.markCreating(id, inputFileID: "file", at: ledger.now)
        try await requireError(.invalid) { _ = try await ledger.store.keepLines(lines, of: id) }
        try await ledger.store.markSubmitted(id, providerBatchID: "batch_1", at: ledger.now)
        _ = try await ledger.record(TestLedger.success(row.id, batch: id))
        try await ledger.store.settle(id, at: ledger.now)
        try requireEqual(try await ledger.store.lines(of: id), lines)
        try requireEqual(try await ledger.store.lines(of: BatchID(4711)), nil)
      },
      `case`("an abandoned batch gives its rows back") { ledger in
        let rows = try await ledger.admit(TestDelivery("a"), TestDelivery("b"))
        let batch = try unwrap(try await ledger.plan(rows.map(\.id)).batch)
        _ = try await ledger.record(TestLedger.success(rows[0].id, batch: batch.id))
        let later = ledger.now + .seconds(30)
        for _ in 0..<2 {
          try await ledger.store.abandon(batch.id, notBefore: later, limit: nil, at: ledger.now)
        }
        let accepted = try await ledger.store.acceptedRows(after: nil, limit: 10)
        try requireEqual(accepted.map(\.id), [rows[1].id])
        try requireEqual(accepted[0].notBefore, later)
        try requireEqual(accepted[0].attempts, 0)
        try require(try await ledger.store.openBatches().isEmpty)
        let second = try await ledger.batch(rows[1].id)
        let limit = AttemptOutcome.Limit(maximumAttempts: 2, failure: Failure(.providerUnavailable, "no"))
        try await ledger.store.abandon(second.id, notBefore: later, limit: limit, at: ledger.now)
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 10).map(\.attempts), [1])
        let third = try await ledger.batch(rows[1].id)
        try requireEqual(try await ledger.store.unsettledRows(third.id, after: nil, limit: 1).map(\.attempt), [3])
        try await ledger.store.abandon(third.id, notBefore: later, limit: limit, at: ledger.now)
        try require(try await ledger.store.acceptedRows(after: nil, limit: 10).isEmpty)
        let replies = try await ledger.deliver()
        try requireEqual(replies.map(\.failure?.code), [nil, .providerUnavailable])
        try requireEqual(replies.map(\.attempts), [1, 2])
      },
      `case`("accepted and unsettled rows come in pages") { ledger in
        var ids: [RequestID] = []
        for index in 0..<7 { ids.append(try await ledger.admit(TestDelivery("k\(index)")).id) }
        var read: [RequestID] = []
        while true {
          let page = try await ledger.store.acceptedRows(after: read.last, limit: 3)
          if page.isEmpty { break }
          read += page.map(\.id)
        }
        try requireEqual(read, ids)
        let batch = try unwrap(try await ledger.plan(ids).batch)
        _ = try await ledger.record(TestLedger.success(ids[2], batch: batch.id))
        let unsettled = try await ledger.store.unsettledRows(batch.id, after: ids[1], limit: 3)
        try requireEqual(unsettled.map(\.id), Array(ids[3...5]))
      },
    ]
  }

  static var parking: [Case] {
    let parked = TestDelivery.interactive("a") { $0.custody = .ledger }
    let route = parked.route
    return [
      `case`("parked rows are taken once, when they may be sent, oldest first") { ledger in
        let first = try await ledger.admit(parked)
        ledger.advance(by: .seconds(1))
        let second = try await ledger.admit(parked.with { $0.key = "b" })
        let other = try await ledger.admit(
          parked.with {
            $0.key = "c"
            $0.route.provider = "azure"
          })
        let routes = try await ledger.store.parkedLines()
        try requireEqual(Set(routes.map(\.line.route)), [route, Route(provider: "azure", model: route.model)])
        func take(_ limit: Int) async throws -> [ParkedCall] {
          try await ledger.store.takeParked(provider: "openai", model: route.model, limit: limit, at: ledger.now)
        }
        let calls = try await take(1)
        try requireEqual(calls.map(\.id), [first.id])
        try requireEqual(calls[0].attempt, 1)
        try requireEqual(calls[0].body, parked.requestBody)
        try requireEqual(calls[0].model, "gpt-4o-mini")
        try requireEqual(calls[0].route, route)
        try requireEqual(try await take(10).map(\.id), [second.id])
        try require(try await take(10).isEmpty)
        try requireEqual(try await ledger.record(TestLedger.success(first.id)), .finished)
        // It may be called again, or wait for its gate again.
        let later = ledger.now + .seconds(5)
        try requireEqual(
          try await ledger.record(
            AttemptOutcome(id: second.id, attempt: 1, batch: nil, verdict: .park(notBefore: later, nil))), .applied)
        try require(try await take(10).isEmpty)
        let open = try await ledger.store.parkedLines()
        try requireEqual(open.first { $0.line.route == route }?.notBefore, later)
        ledger.advance(by: .seconds(5))
        try requireEqual(try await take(10).map(\.attempt), [2])
        try requireEqual(try await ledger.deliver().map(\.id), [first.id])
        try require(other.id != second.id)
      },
      `case`("parked rows of one route may be sent sooner, a page at a time") { ledger in
        let other = parked.with {
          $0.key = "o"
          $0.route.provider = "azure"
        }
        let rows = try await ledger.admit(parked, parked.with { $0.key = "b" }, parked.with { $0.key = "c" }, other)
        let later = ledger.now + .seconds(3600)
        for provider in ["openai", "azure"] {
          for call in try await ledger.store.takeParked(
            provider: provider, model: route.model, limit: 9, at: ledger.now)
          {
            try requireEqual(
              try await ledger.record(
                AttemptOutcome(id: call.id, attempt: 1, batch: nil, verdict: .park(notBefore: later, nil))), .applied)
          }
        }
        func take() async throws -> [RequestID] {
          try await ledger.store.takeParked(provider: "openai", model: route.model, limit: 9, at: ledger.now).map(\.id)
        }
        try requireEqual(try await take(), [])
        let unknown = Route(provider: "nobody", model: "nothing")
        try requireEqual(try await ledger.store.release(unknown, limit: 9, at: ledger.now), 0)
        try requireEqual(try await ledger.store.release(route, limit: 2, at: ledger.now), 2)
        try requireEqual(try await ledger.store.release(route, limit: 2, at: ledger.now), 1)
        try requireEqual(try await ledger.store.release(route, limit: 2, at: ledger.now), 0)
        try requireEqual(Set(try await take()), Set(rows[..<3].map(\.id)))
        let open = try await ledger.store.parkedLines()
        try requireEqual(open.map(\.notBefore), [later])
        // What is called for just now has no time to wait for.
        try requireEqual(try await ledger.store.release(route, limit: 9, at: ledger.now), 0)
      },
      `case`("a claim moves into the ledger's custody with its body") { ledger in
        let delivery = TestDelivery.interactive("a")
        let claim = try await ledger.admit(delivery)
        try await ledger.store.park([(claim.id, delivery.requestBody, ledger.now)])
        let again = try await ledger.admit(delivery)
        try requireEqual(again.kind, .inFlight)
        try requireEqual(again.custody, .ledger)
        let call = try unwrap(
          try await ledger.store.takeParked(provider: route.provider, model: route.model, limit: 9, at: ledger.now)
            .first)
        try requireEqual(call.id, claim.id)
        try requireEqual(call.body, delivery.requestBody)
        try requireEqual(call.attempt, 2)
        try requireEqual(
          try await ledger.record(TestLedger.failure(claim.id, .providerUnavailable, attempt: 2)), .finished)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.deadLetter?.properties, [1, 2, 3])
        // What has ended is not parked.
        try await ledger.store.park([(claim.id, delivery.requestBody, ledger.now)])
        try require(try await ledger.store.parkedLines().isEmpty)
      },
      `case`("a claim in the broker's custody cannot wait in the ledger without its body") { ledger in
        let claim = try await ledger.admit(.interactive("a"))
        try await requireError(.invalid) {
          _ = try await ledger.record(
            AttemptOutcome(id: claim.id, attempt: 1, batch: nil, verdict: .park(notBefore: ledger.now, nil)))
        }
        try requireEqual(try await ledger.record(TestLedger.success(claim.id)), .finished)
      },
    ]
  }
}
