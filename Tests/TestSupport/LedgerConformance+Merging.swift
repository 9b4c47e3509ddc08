import BatchCore
import Ledger
import Wire

extension LedgerConformance {
  private static func alike(_ key: String, _ kind: Identity.Kind = .messageID, tenant: String = "default")
    -> TestDelivery
  {
    TestDelivery(key) {
      $0.kind = kind
      $0.tenant = tenant
      $0.correlation = "c-\(key)"
      $0.mergeKey = MergeKey(tenant: tenant, bodyHash: $0.bodyHash, route: $0.route)
    }
  }

  static var merging: [Case] {
    [
      `case`("one call answers those that ask the same while it waits, each with a reply of its own") { ledger in
        let first = try await ledger.admit(alike("a"))
        let rows = try await ledger.admit(alike("b"), alike("c", .fingerprint), alike("c", .fingerprint))
        try requireEqual(first.kind, .new(attempt: 1))
        try requireEqual(rows.map(\.kind), Array(repeating: .inFlight, count: 3))
        try requireEqual(rows.map(\.custody), Array(repeating: .ledger, count: 3))
        try requireEqual(try await ledger.store.acceptedRows(after: nil, limit: 9).map(\.id), [first.id])
        try await ledger.succeed(first.id, "shared")
        let replies = try await ledger.deliver()
        try requireEqual(replies.map(\.id), [first.id] + rows.map(\.id))
        try requireEqual(Set(replies.map(\.ledgerID)).count, 4)
        try requireEqual(Set(replies.map(\.callID)), [first.ledgerID])
        try requireEqual(Set(replies.map { $0.response?.body }).count, 1)
        try requireEqual(
          replies.map { String(decoding: $0.envelope.correlationID, as: UTF8.self) }, ["c-a", "c-b", "c-c", "c-c"])
        // The first pays.
        try requireEqual(replies.map(\.cost?.value), [7, 0, 0, 0])
        let query = CostQuery(dimensions: [.tenant], days: 0...100_000, limit: 9)
        try requireEqual(try await ledger.store.costs(query).lines.map(\.sums.cost), [7])
      },
      `case`("a reply of one that shares a call names the route that the call went") { ledger in
        let first = try await ledger.admit(alike("a"))
        let second = try await ledger.admit(alike("b"))
        let other = Route(provider: "elsewhere", model: "m")
        try await ledger.store.reroute([first.id], to: other)
        try await ledger.succeed(first.id)
        let replies = try await ledger.takeReplies()
        try requireEqual(replies.map(\.id), [first.id, second.id])
        try requireEqual(replies.map(\.route), [other, other])
      },
      `case`("a redelivery of one that shares a call is the same request") { ledger in
        let first = try await ledger.admit(alike("a"))
        let second = try await ledger.admit(alike("b"))
        let again = try await ledger.admit(alike("b").with { $0.redelivered = true })
        try requireEqual([again.id, again.ledgerID == second.ledgerID ? second.id : first.id], [second.id, second.id])
        try requireEqual(again.kind, .inFlight)
        let look = alike("f", .fingerprint)
        let third = try await ledger.admit(look)
        let came = try await ledger.admit(
          look.with {
            $0.redelivered = true
            $0.generation = 2
          })
        try requireEqual([third.kind, came.kind], [.inFlight, .inFlight])
        try requireEqual(came.id, third.id)
        // Another subscriber of that message follows the same call.
        let other = try await ledger.admit(alike("b").with { $0.correlation = "c-other" })
        try requireEqual(other.kind, .inFlight)
        try await ledger.reopen()
        try await ledger.succeed(first.id)
        try requireEqual(try await ledger.deliver().map(\.id), [first.id, second.id, third.id, other.id])
        let answered = try await ledger.admit(alike("b").with { $0.redelivered = true })
        try requireEqual(answered.kind, .answered)
        try requireEqual(answered.id, second.id)
        let reply = try await ledger.takeReply()
        try require(reply.response != nil)
        try requireEqual(reply.ledgerID, second.ledgerID)
      },
      `case`("what differs in tenant, body or key has a call of its own, and so has what comes later") { ledger in
        let first = try await ledger.admit(alike("a"))
        let body = alike("b").with { delivery in
          delivery.body = "other"
          delivery.mergeKey = MergeKey(tenant: "default", bodyHash: delivery.bodyHash, route: delivery.route)
        }
        let others = try await ledger.admit(
          alike("c", tenant: "acme"), body, alike("d").with { $0.mergeKey = nil })
        try requireEqual(others.map(\.kind), Array(repeating: .new(attempt: 1), count: 3))
        _ = try await ledger.batch(first.id)
        // Its window has closed; the one without a key is for nobody else.
        let late = try await ledger.admit(alike("e"))
        try requireEqual(late.kind, .new(attempt: 1))
        try requireEqual(try await ledger.admit(alike("f")).kind, .inFlight)
      },
      `case`("a call that others share is not cancelled, and each of those can be alone") { ledger in
        let first = try await ledger.admit(alike("a"))
        let second = try await ledger.admit(alike("b"))
        func cancel(_ name: String) async throws -> [RequestID] {
          try await ledger.store.cancel(tenant: "default", correlationID: Array(name.utf8), at: ledger.now)
        }
        try requireEqual(try await cancel("c-a"), [])
        try requireEqual(try await cancel("c-b"), [second.id])
        try requireEqual(try await ledger.deliver().map(\.failure?.code), [.cancelled])
        try requireEqual(try await cancel("c-a"), [first.id])
      },
      `case`("an answer stays while one that shared the call is still to be told") { ledger in
        let first = try await ledger.admit(alike("a"))
        let second = try await ledger.admit(alike("b"))
        try await ledger.succeed(first.id)
        let taken = try await ledger.store.takeReplies(.bulk, limit: 1, maximumBytes: 1 << 20)
        try requireEqual(taken.map(\.id), [first.id])
        try await ledger.store.delivered(taken.map(\.taken), at: ledger.now)
        ledger.advance(by: .seconds(10))
        _ = try await ledger.store.purge(finishedBefore: ledger.now, bodiesBefore: ledger.now, limit: 1000)
        let reply = try await ledger.takeReply()
        try requireEqual(reply.id, second.id)
        try require(reply.response?.body.isEmpty == false)
      },
      `case`("a call is shared by so many, and never one that was tried before") { ledger in
        let first = try await ledger.admit(alike("a"))
        let batch = try await ledger.batch(first.id)
        let limit = AttemptOutcome.Limit(maximumAttempts: 5, failure: Failure(.providerUnavailable, "away"))
        try await ledger.store.abandon(batch.id, notBefore: ledger.now, limit: limit, at: ledger.now)
        try requireEqual(try await ledger.admit(alike("b")).kind, .new(attempt: 1))
        let most = MergeKey.mostFollowers
        let others = try await ledger.store.admit(
          (0..<most).map { alike("s\($0)").request(at: ledger.now) }, at: ledger.now)
        try requireEqual(others.count { $0.kind == .inFlight }, most)
        try requireEqual(try await ledger.admit(alike("c")).kind, .new(attempt: 1))
        try requireEqual(try await ledger.admit(alike("d")).kind, .inFlight)
      },
      `case`("one that shared a call whose answer is gone is asked for anew") { ledger in
        let first = try await ledger.admit(alike("a"))
        _ = try await ledger.admit(alike("b"))
        try await ledger.succeed(first.id)
        try await ledger.deliver()
        ledger.advance(by: .seconds(10))
        _ = try await ledger.store.purge(
          finishedBefore: Timestamp(milliseconds: 0), bodiesBefore: ledger.now, limit: 1000)
        let again = try await ledger.admit(alike("b"))
        try requireEqual(again.kind, .new(attempt: 1))
      },
    ]
  }
}
