import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct DeferredTests {
  @Test func manyRequestsBecomeOneBatch() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push((0..<600).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(600)
      #expect(pipeline.provider.created.map(\.count) == [600])
      #expect(pipeline.provider.paid.count == 600)
      #expect(Set(replies.map(\.correlation)) == Set((0..<600).map { "m\($0)" }))
      #expect(Set(replies.map(\.messageID)).count == 600)
      #expect(pipeline.deferred.count(.ack) == 600)
      let reply = try #require(replies.first)
      #expect(reply.exchange == "llm.results")
      #expect(reply.summary.isSuccess && reply.summary.statusCode == 200)
      #expect(reply.summary.lane == "deferred" && reply.summary.attempts == 1)
      // 8 fresh tokens at 50, 2 cached at 25 and 5 of output at 200 pico-dollars.
      #expect(reply.summary.cost == "0.00000000145" && reply.summary.costBasis == "batch")
    }
  }

  @Test func identicalRequestsOfOneTenantAreSentOnceWhereThatIsAskedFor() async throws {
    let cold = #"{"model":"gpt-4o-mini","temperature":0,"messages":[{"role":"user","content":"same"}]}"#
    let warm = #"{"model":"gpt-4o-mini","temperature":0.1,"messages":[{"role":"user","content":"same"}]}"#
    for (merges, rows) in [(false, 10), (true, 6)] {
      try await Pipeline.run(configure: { $0.configuration.mergesIdentical = merges }) { pipeline in
        pipeline.push((0..<5).map { number in Message("cold\(number)") { $0.body = cold } })
        pipeline.push((0..<3).map { number in Message("warm\(number)") { $0.body = warm } })
        pipeline.push(Message("named") { ($0.body, $0.key) = (cold, "mine") })
        pipeline.push(Message("due") { ($0.body, $0.deadlineMilliseconds) = (cold, 86_400_000) })
        let replies = try await pipeline.untilReplies(10)
        #expect(pipeline.provider.paid.count == rows)
        #expect(Set(replies.map(\.messageID)).count == 10)
        #expect(replies.allSatisfy { $0.summary.isSuccess })
      }
    }
  }

  @Test func anAckWaitsForTheCommit() async throws {
    try await Pipeline.run { pipeline in
      let gate = pipeline.ledger.gate(before: .admit)
      gate.shut()
      pipeline.push(Message("a"))
      try await eventually("the commit to be held") { gate.held == 1 }
      try await pipeline.quiet()
      #expect(pipeline.deferred.settlements.isEmpty)
      gate.open()
      try await pipeline.untilSettled()
      #expect(pipeline.sink.published.isEmpty)
    }
  }

  @Test func windowsAreApartByModelAndEndpoint() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a"), Message("b") { $0.model = "gpt-4o" }, Message("c"))
      _ = try await pipeline.untilReplies(3)
      #expect(pipeline.provider.created.map(\.count).sorted() == [1, 2])
    }
  }

  @Test func aWindowClosesWhenItIsFull() async throws {
    try await Pipeline.run(configure: { $0.configuration.deferredWindow.maximumRequests = 10 }) { pipeline in
      pipeline.push((0..<25).map { Message("m\($0)") })
      _ = try await pipeline.untilReplies(25)
      #expect(pipeline.provider.created.map(\.count).sorted() == [5, 10, 10])
    }
  }

  @Test func aWindowClosesForADeadline() async throws {
    try await Pipeline.run(configure: {
      $0.configuration.deferredWindow.idle = .seconds(3600)
      $0.configuration.deferredWindow.maximumAge = .seconds(7200)
    }) { pipeline in
      let start = pipeline.clock.now()
      pipeline.push(Message("a") { $0.deadlineMilliseconds = 7_200_000 })
      try await pipeline.until("the batch to be created") { !pipeline.provider.created.isEmpty }
      // A quarter of what is left until its cut-off.
      #expect(pipeline.clock.now() - start < .seconds(1800))
      _ = try await pipeline.untilReplies(1)
    }
  }

  @Test func retryableRowsTravelInASecondBatch() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      BatchPlot { $0.row = { place, _ in number == 0 && place < 2 ? .ended(.retryable(retryAfter: nil)) : .succeeded } }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push((0..<5).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(5)
      #expect(provider.created.map(\.count) == [5, 2])
      #expect(provider.paid.count == 5)
      #expect(replies.filter { $0.summary.attempts == 2 }.count == 2)
      #expect(Set(provider.created.flatMap { $0 }.map(\.customID)).count == 7)
    }
  }

  @Test func aDefiniteRejectionIsAReply() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.row = { place, _ in place == 0 ? .ended(.rejected) : .succeeded } } }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("bad"), Message("good"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.first { $0.correlation == "bad" }?.code == "provider_rejected")
      #expect(replies.first { $0.correlation == "good" }?.summary.isSuccess == true)
      #expect(provider.created.count == 1)
      #expect(pipeline.deadLetters.isEmpty)
    }
  }

  @Test func exhaustedAttemptsAreAnsweredAndDeadLettered() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.row = { _, _ in .ended(.retryable(retryAfter: nil)) } } }
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 3 }) { pipeline in
      pipeline.push(Message("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["provider_unavailable"])
      #expect(provider.created.count == 3)
      try await pipeline.until("the dead letter") { !pipeline.deadLetters.isEmpty }
      #expect(pipeline.deadLetters.first?.properties.headers?["x-error-code"]?.text == "provider_unavailable")
      #expect(pipeline.deadLetters.first?.properties.correlationID == Array("a".utf8))
    }
  }

  @Test func resultsOfNobodyAreCountedAndNotGuessed() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, rows in
      BatchPlot {
        $0.strangers = ["request-1", "mr-0123456789abcdef_1_1", (rows.first?.customID ?? "") + "0", ""]
        $0.copies = 2
      }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(Set(replies.map(\.correlation)) == ["a", "b"])
      try await pipeline.until("the batch to settle") { pipeline.ledger.count(.settle) == 1 }
      #expect(try pipeline.replies().count == 2)
    }
  }
}
