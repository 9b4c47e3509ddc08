import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

/// The ledger is out of reach for a while.
@Suite(.timeLimit(.minutes(4)))
struct OutageTests {
  @Test(arguments: [Lane.interactive, .deferred])
  func nothingIsAckedOrSentMeanwhile(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable(Set(InterceptedLedger.Operation.allCases))
      pipeline.push((0..<20).map { Message("m\($0)") }, to: lane)
      try await pipeline.until("some tries") { pipeline.ledger.count(.admit) >= 5 }
      #expect(pipeline.interactive.settlements.isEmpty && pipeline.deferred.settlements.isEmpty)
      #expect(pipeline.provider.calls.isEmpty && pipeline.provider.created.isEmpty)
      #expect(pipeline.health.current.contains { $0.part == .ledger })
      pipeline.ledger.setUnavailable([])
      _ = try await pipeline.untilReplies(20)
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.count == 20)
      try await pipeline.until("the worries to end") { pipeline.health.current.isEmpty }
    }
  }

  @Test func paidWorkIsKeptUntilItCanBeRecorded() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable([.record])
      pipeline.push(Message("a"), to: .interactive)
      pipeline.push(Message("b"))
      try await pipeline.until("tries to record both") {
        pipeline.ledger.count(.record) >= 8 && pipeline.provider.paid.count == 2
      }
      #expect(pipeline.sink.published.isEmpty)
      #expect(pipeline.interactive.settlements.isEmpty)
      pipeline.ledger.setUnavailable([])
      _ = try await pipeline.untilReplies(2)
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  @Test func callsInFlightAreCommittedAfter() async throws {
    try await Pipeline.run(configure: { $0.configuration.workerConcurrency = 2 }) { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push((0..<6).map { Message("m\($0)") }, to: .interactive)
      try await eventually("two calls in flight") { pipeline.provider.callGate.held == 2 }
      try await pipeline.quiet()
      pipeline.ledger.setUnavailable(Set(InterceptedLedger.Operation.allCases))
      pipeline.provider.callGate.open()
      try await pipeline.until("tries to record both") { pipeline.ledger.count(.record) >= 6 }
      #expect(pipeline.provider.calls.count == 2)
      pipeline.ledger.setUnavailable([])
      _ = try await pipeline.untilReplies(6)
      #expect(pipeline.provider.calls.count == 6)
      try await pipeline.until("the worries to end") { pipeline.health.current.isEmpty }
    }
  }

  /// They are claimed and need nothing of the ledger to start, but what they cost could not be recorded.
  @Test func callsWhoseTimeComesMeanwhileWait() async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number < 3
        ? ScriptedProvider.failure(.rateLimited(retryAfter: .seconds(30)), status: 429)
        : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push((0..<3).map { Message("m\($0)") }, to: .interactive)
      try await pipeline.until("the refusals") { provider.calls.count == 3 }
      try await pipeline.quiet()
      pipeline.ledger.setUnavailable(Set(InterceptedLedger.Operation.allCases))
      let begin = pipeline.clock.monotonic()
      try await pipeline.until("minutes to pass") { pipeline.clock.monotonic() - begin > .seconds(180) }
      #expect(provider.calls.count == 3)
      pipeline.ledger.setUnavailable([])
      _ = try await pipeline.untilReplies(3)
      #expect(provider.paid.count == 3)
    }
  }

  @Test func anIdleServiceNoticesTheOutage() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable(Set(InterceptedLedger.Operation.allCases))
      try await pipeline.until("the report") { pipeline.health.current.contains { $0.part == .ledger } }
      pipeline.ledger.setUnavailable([])
      try await pipeline.until("the worries to end") { pipeline.health.current.isEmpty }
    }
  }

  @Test func aDeliveryIsAckedOnlyWhenItsConfirmIsNoted() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable([.delivered])
      pipeline.push(Message("a"), to: .interactive)
      try await pipeline.until("tries") { pipeline.ledger.count(.delivered) >= 3 }
      #expect(pipeline.sink.confirmed.count == 1)
      #expect(pipeline.interactive.settlements.isEmpty)
      pipeline.ledger.setUnavailable([])
      try await pipeline.untilSettled()
      #expect(pipeline.sink.confirmed.count == 1)
    }
  }

  @Test func everyStepOfABatchWaits() async throws {
    let steps: [InterceptedLedger.Operation] = [.plan, .markCreating, .markSubmitted, .unsettledRows, .settle]
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable(Set(steps))
      pipeline.push(Message("a"), Message("b"))
      for index in steps.indices {
        try await pipeline.until("\(steps[index]) to be tried") { pipeline.ledger.count(steps[index]) >= 3 }
        pipeline.ledger.setUnavailable(Set(steps[(index + 1)...]))
      }
      _ = try await pipeline.untilReplies(2)
      try await pipeline.until("the batch to settle") { pipeline.health.current.isEmpty }
      #expect(pipeline.provider.created.count == 1)
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  @Test func intakeWaitsWhileTheBacklogIsAtItsBound() async throws {
    try await Pipeline.run(configure: { $0.configuration.maximumBacklogBytes = 1 }) { pipeline in
      pipeline.provider.uploadGate.shut()
      pipeline.push(Message("a"))
      try await pipeline.until("the report") { pipeline.health.current.contains { $0.part == .backlog } }
      // One chunk was asked for before.
      pipeline.push(Message("b"))
      try await pipeline.until("the second") { pipeline.deferred.count(.ack) == 2 }
      pipeline.push(Message("c"))
      let before = pipeline.clock.monotonic()
      try await pipeline.until("a minute to pass") { pipeline.clock.monotonic() - before > .seconds(60) }
      #expect(pipeline.deferred.count(.ack) == 2)
      pipeline.provider.uploadGate.open()
      _ = try await pipeline.untilReplies(3)
      try await pipeline.until("the worries to end") { pipeline.health.current.isEmpty }
    }
  }
}
