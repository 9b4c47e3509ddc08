import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct InteractiveTests {
  @Test func aCallIsAnsweredAndAckedAfterTheConfirm() async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.gate.shut()
      pipeline.push(Message("a"), to: .interactive)
      try await eventually("the reply to be published") { pipeline.sink.gate.held == 1 }
      try await pipeline.quiet()
      #expect(pipeline.provider.paid.count == 1)
      #expect(pipeline.interactive.settlements.isEmpty)
      pipeline.sink.gate.open()
      try await pipeline.untilSettled()
      let reply = try #require(try pipeline.replies().first)
      #expect(reply.correlation == "a" && reply.summary.lane == "interactive")
      #expect(reply.summary.cost == "0.0000000029" && reply.summary.costBasis == "list")
      #expect(pipeline.interactive.count(.ack) == 1)
      #expect(pipeline.provider.created.isEmpty)
    }
  }

  @Test func callsRunBesideEachOther() async throws {
    try await Pipeline.run(configure: {
      $0.configuration.workerConcurrency = 8
      $0.configuration.interactivePrefetch = 512
    }) { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push((0..<40).map { Message("m\($0)") }, to: .interactive)
      try await eventually("eight calls") { pipeline.provider.callGate.held == 8 }
      try await pipeline.quiet()
      #expect(pipeline.provider.calls.count == 8)
      pipeline.provider.callGate.open()
      _ = try await pipeline.untilReplies(40)
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.count == 40)
    }
  }

  /// Whoever waits for an answer waits for nothing of what a backlog needs.
  @Test func deferredWorkTakesNoThreadFromInteractive() async throws {
    let threads = HeldThreads()
    defer { threads.open() }
    try await Pipeline.run(configure: { $0.background = threads }) { pipeline in
      pipeline.push((0..<40).map { Message("d\($0)") }, to: .deferred)
      pipeline.push((0..<40).map { Message("i\($0)") }, to: .interactive)
      let first = try await pipeline.untilReplies(40)
      #expect(first.allSatisfy { $0.summary.lane == "interactive" })
      try await eventually("the interactive deliveries to be settled") { pipeline.interactive.count(.ack) == 40 }
      try await pipeline.quiet()
      #expect(pipeline.sink.published.count == 40 && pipeline.deferred.settlements.isEmpty)
      #expect(threads.count > 0)
      threads.open()
      #expect(try await pipeline.untilReplies(80).count == 80)
      try await pipeline.untilSettled()
    }
  }

  @Test func aRetryableFailureIsTriedAgain() async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number < 2 ? ScriptedProvider.failure(.retryable(retryAfter: nil)) : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.first?.summary.isSuccess == true)
      #expect(replies.first?.summary.attempts == 3)
      #expect(provider.calls.count == 3)
    }
  }

  @Test func exhaustedAttemptsAreAnsweredAndDeadLettered() async throws {
    let provider = ScriptedProvider()
    provider.onCall { _, _ in ScriptedProvider.failure(.retryable(retryAfter: nil)) }
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 3 }) { pipeline in
      pipeline.push(Message("a"), to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["provider_unavailable"])
      #expect(provider.calls.count == 3)
      try await pipeline.untilSettled()
      #expect(pipeline.interactive.count(.ack) == 1)
      #expect(pipeline.deadLetters.count == 1)
      #expect(pipeline.deadLetters.first?.body == Message("a").delivery.body)
    }
  }

  /// Too few calls to open a breaker are not all spent where nobody answers.
  @Test(arguments: [Lane.interactive, .deferred])
  func aCallThatFailedTwiceGoesOnAtTheNextRoute(lane: Lane) async throws {
    let provider = ScriptedProvider()
    let fallback = ScriptedProvider("azure")
    let failures = Locked(0)
    for each in [provider, fallback] {
      each.onCall { _, call in
        let number = failures.withLock { failures in
          failures += 1
          return failures
        }
        return number <= 2 ? ScriptedProvider.failure(.retryable(retryAfter: nil)) : ScriptedProvider.success(of: call)
      }
      // So what is deferred is called, too.
      each.fail(.upload, .refused(ProviderError(.noBatches, isAmbiguous: false, message: "answered 404")))
    }
    try await Pipeline.run(provider, configure: { $0.fallback = fallback }) { pipeline in
      pipeline.push(Message("a"), to: lane)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 3 })
      #expect([provider.calls.count, fallback.calls.count].sorted() == [1, 2])
    }
  }

  @Test func aDefiniteRejectionIsOneCall() async throws {
    let provider = ScriptedProvider()
    provider.onCall { _, _ in ScriptedProvider.failure(.rejected, status: 400) }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["provider_rejected"])
      #expect(replies.first?.summary.statusCode == 400)
      try await pipeline.untilSettled()
      #expect(provider.calls.count == 1)
      #expect(pipeline.deadLetters.isEmpty)
    }
  }

  @Test func aSlowerPaceHoldsBackAndCostsNoAttempt() async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number == 0
        ? ScriptedProvider.failure(.rateLimited(retryAfter: .seconds(20)), status: 429)
        : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider) { pipeline in
      let start = pipeline.clock.monotonic()
      pipeline.push(Message("a"), to: .interactive)
      try await eventually("the first call") { provider.calls.count == 1 }
      let replies = try await pipeline.untilReplies(1)
      #expect(pipeline.clock.monotonic() - start >= .seconds(20))
      #expect(replies.first?.summary.attempts == 1)
      #expect(provider.calls.count == 2)
    }
  }

  @Test func whatWaitsTooLongPassesIntoTheLedger() async throws {
    try await Pipeline.run(configure: {
      $0.configuration.workerConcurrency = 1
      $0.configuration.interactiveHold = .seconds(30)
    }) { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("first"), to: .interactive)
      try await eventually("the first call") { pipeline.provider.callGate.held == 1 }
      pipeline.push(Message("second"), to: .interactive)
      try await pipeline.until("the second to be acked") { pipeline.interactive.count(.ack) == 1 }
      #expect(pipeline.interactive.unsettled.first?.properties.correlationID == Array("first".utf8))
      #expect(pipeline.sink.published.isEmpty)
      pipeline.provider.callGate.open()
      _ = try await pipeline.untilReplies(2)
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  @Test func aClosedAccountParksAndResumes() async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number < 5
        ? ScriptedProvider.failure(.accountClosed(.billing), status: 429) : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push((0..<5).map { Message("m\($0)") }, to: .interactive)
      try await eventually("the account to be reported") {
        pipeline.health.current.contains { $0.part == .gate(provider: "openai", model: "gpt-4o-mini") }
      }
      try await pipeline.untilSettled()
      #expect(pipeline.interactive.count(.ack) == 5)
      let replies = try await pipeline.untilReplies(5)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.paid.count == 5)
      #expect(pipeline.health.current.isEmpty)
    }
  }

  @Test func theDeferredQueueMayAskForASynchronousCall() async throws {
    try await Pipeline.run { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("a") { $0.lane = "interactive" })
      try await pipeline.untilSettled()
      try await pipeline.until("the call") { pipeline.provider.callGate.held == 1 }
      #expect(pipeline.sink.published.isEmpty)
      pipeline.provider.callGate.open()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.first?.summary.lane == "interactive")
      #expect(pipeline.provider.created.isEmpty)
    }
  }

  @Test func aParkedCallThatFailsIsParkedAgain() async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number < 2 ? ScriptedProvider.failure(.retryable(retryAfter: nil)) : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a") { $0.lane = "interactive" })
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.first?.summary.attempts == 3)
      #expect(provider.calls.count == 3)
    }
  }

  @Test func theInteractiveQueueMayAskForABatch() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a") { $0.lane = "deferred" }, to: .interactive)
      try await pipeline.untilSettled()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.first?.summary.lane == "deferred")
      #expect(pipeline.provider.calls.isEmpty && pipeline.provider.created.count == 1)
    }
  }

  @Test func aLostConnectionCallsNothingTwice() async throws {
    try await Pipeline.run { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("a"), to: .interactive)
      try await eventually("the call") { pipeline.provider.callGate.held == 1 }
      pipeline.interactive.reconnect()
      try await pipeline.until("the redelivery") { pipeline.ledger.count(.admit) == 2 }
      pipeline.provider.callGate.open()
      try await pipeline.untilSettled()
      #expect(pipeline.provider.calls.count == 1)
      let replies = try pipeline.replies()
      #expect(Set(replies.map(\.messageID)).count == 1)
    }
  }
}
