import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct RefusalTests {
  @Test(arguments: [Lane.interactive, .deferred])
  func poisonIsAnsweredAndThenDiscarded(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.gate.shut()
      pipeline.push(Message("a") { $0.body = "{" }, to: lane)
      try await eventually("the reply to be published") { pipeline.sink.gate.held == 1 }
      try await pipeline.quiet()
      #expect(pipeline.interactive.settlements.isEmpty && pipeline.deferred.settlements.isEmpty)
      pipeline.sink.gate.open()
      try await pipeline.untilSettled()
      #expect(try pipeline.replies().map(\.code) == ["invalid_json"])
      let source = lane == .interactive ? pipeline.interactive : pipeline.deferred
      #expect(source.settlements.map(\.verdict) == [.discard])
      #expect(pipeline.deadLetters.isEmpty)
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func moreThanTheModelTakesIsNotSent(lane: Lane) async throws {
    try await Pipeline.run(configure: { $0.contextTokens = 100 }) { pipeline in
      let text = String(repeating: "long ", count: 80)
      pipeline.push(
        Message("a") { $0.body = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"\#(text)"}]}"# },
        to: lane)
      pipeline.push(Message("b"), to: lane)
      let replies = try await pipeline.untilReplies(2)
      #expect(Set(replies.map(\.code)) == ["context_length_exceeded", nil])
    }
  }

  @Test func poisonIsPublishedWhereTheBrokerWouldDestroyIt() async throws {
    try await Pipeline.run(configure: { $0.configuration.publishesPoison = { _ in true } }) { pipeline in
      let refusals = Locked(3)
      pipeline.sink.script { message in
        guard message.exchange == "llm.dead-letters" else { return .confirmed }
        return refusals.withLock { left in
          defer { left -= 1 }
          return left > 0 ? .refused : .confirmed
        }
      }
      pipeline.push(Message("a") { $0.body = "{" })
      _ = try await pipeline.untilReplies(1)
      try await pipeline.until("the dead letter to be refused") { pipeline.sink.published.count == 2 }
      #expect(pipeline.deferred.settlements.isEmpty)
      try await pipeline.untilSettled()
      #expect(pipeline.deferred.settlements.map(\.verdict) == [.ack])
      #expect(pipeline.deadLetters.map(\.body) == [Array("{".utf8)])
    }
  }

  @Test(arguments: [
    PublishOutcome.rejected(code: 404, text: "NOT_FOUND - no exchange 'llm.dead-letters' in vhost '/'"),
    .returned(code: 312, text: "NO_ROUTE"),
  ])
  func poisonWaitsUntilSomebodyTakesIt(fault: PublishOutcome) async throws {
    try await Pipeline.run(configure: { $0.configuration.publishesPoison = { _ in true } }) { pipeline in
      let isFaulty = Locked(true)
      pipeline.sink.script { $0.exchange == "llm.dead-letters" && isFaulty.withLock { $0 } ? fault : .confirmed }
      pipeline.push(Message("a") { $0.body = "{" })
      _ = try await pipeline.untilReplies(1)
      try await pipeline.until("the report") { !pipeline.health.current.isEmpty }
      let begin = pipeline.clock.monotonic()
      let tried = pipeline.sink.published.count
      try await pipeline.until("a minute to pass") { pipeline.clock.monotonic() - begin > .seconds(60) }
      #expect(pipeline.sink.published.count - tried <= 20, "it is tried in a hot loop")
      #expect(pipeline.deferred.settlements.isEmpty)
      isFaulty.withLock { $0 = false }
      try await pipeline.untilSettled()
      #expect(pipeline.deferred.settlements.map(\.verdict) == [.ack])
      #expect(pipeline.deadLetters.count == 1 && pipeline.health.current.isEmpty)
    }
  }

  /// Dead letters that nobody takes must not hold back anybody's replies.
  @Test func poisonThatCannotBeBuriedBlocksNobody() async throws {
    try await Pipeline.run(configure: { $0.configuration.publishesPoison = { _ in true } }) { pipeline in
      pipeline.sink.script { $0.exchange == "llm.dead-letters" ? .refused : .confirmed }
      for number in 0..<10 {
        pipeline.push(Message("bad\(number)") { $0.body = "{" }, to: .interactive)
        _ = try await pipeline.untilReplies(number + 1)
      }
      pipeline.push(Message("good"), to: .interactive)
      let replies = try await pipeline.untilReplies(11)
      #expect(replies.last?.correlation == "good")
      #expect(pipeline.interactive.unsettled.count >= 10)
    }
  }

  @Test func anUnknownModelIsPoison() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a") { $0.model = "nobody" }, Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.first { $0.correlation == "a" }?.code == "unknown_model")
      try await pipeline.untilSettled()
      #expect(pipeline.deferred.count(.discard) == 1 && pipeline.deferred.count(.ack) == 1)
    }
  }

  @Test func anEndpointThatTheProviderLacksIsPoison() async throws {
    try await Pipeline.run(ScriptedProvider(endpoints: [.embeddings])) { pipeline in
      pipeline.push(Message("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["unsupported_endpoint"])
    }
  }

  @Test func aMessageAtItsDeliveryLimitIsAnsweredUnparsed() async throws {
    try await Pipeline.run(configure: { $0.configuration.deliveryLimit = 5 }) { pipeline in
      pipeline.push(Message("a") { $0.deliveryCount = 4 }, Message("b") { $0.deliveryCount = 3 }, Message("c"))
      let replies = try await pipeline.untilReplies(3)
      #expect(replies.first { $0.correlation == "a" }?.code == "delivery_limit")
      #expect(replies.filter { $0.summary.isSuccess }.count == 2)
      try await pipeline.untilSettled()
      #expect(pipeline.deferred.count(.discard) == 1)
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func aPassedDeadlineIsAnsweredAndNothingIsSent(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      let message = Message("a") {
        $0.timestamp = UInt64(TestClock.start.milliseconds / 1000) - 100
        $0.deadlineMilliseconds = 1
      }
      pipeline.push(message, to: lane)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["deadline_exceeded"])
      #expect(pipeline.provider.paid.isEmpty)
      try await pipeline.untilSettled()
      try await pipeline.until("the dead letter") { pipeline.deadLetters.count == 1 }
    }
  }

  @Test func aCancellationEndsWhatWasNotSent() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a"), Message("b"))
      try await pipeline.until("both to be acked") { pipeline.deferred.count(.ack) == 2 }
      pipeline.push(.cancel("a"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.first { $0.correlation == "a" }?.code == "cancelled")
      #expect(replies.first { $0.correlation == "b" }?.summary.isSuccess == true)
      #expect(pipeline.provider.created.map(\.count) == [1])
      #expect(pipeline.deferred.count(.ack) == 3)
    }
  }

  /// In one chunk, and in chunks that follow each other while the first one's commit takes its time.
  @Test(arguments: [true, false])
  func aCancellationFindsWhatWasDeliveredBeforeIt(together: Bool) async throws {
    try await Pipeline.run { pipeline in
      let gate = pipeline.ledger.gate(before: .admit)
      gate.shut()
      if together {
        pipeline.push(Message("a"), .cancel("a"))
      } else {
        pipeline.push(Message("a"))
        try await eventually("the first commit") { gate.held == 1 }
        pipeline.push(.cancel("a"))
      }
      try await eventually("the commit") { gate.held == 1 }
      try await pipeline.quiet()
      gate.open()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["cancelled"])
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.isEmpty)
    }
  }

  @Test func aParkedCallCanBeCancelled() async throws {
    try await Pipeline.run(configure: { $0.configuration.workerConcurrency = 1 }) { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("first") { $0.lane = "interactive" })
      try await pipeline.until("the first call") { pipeline.provider.callGate.held == 1 }
      pipeline.push(Message("second") { $0.lane = "interactive" })
      try await pipeline.until("the second to be acked") { pipeline.deferred.count(.ack) == 2 }
      pipeline.push(.cancel("second"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["cancelled"])
      pipeline.provider.callGate.open()
      _ = try await pipeline.untilReplies(2)
      #expect(pipeline.provider.calls.count == 1)
    }
  }
}
