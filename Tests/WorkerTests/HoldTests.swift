import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// Pauses that a provider asks for in the batch lane.
@Suite(.timeLimit(.minutes(4)))
struct HoldTests {
  /// What is used, and when.
  private final class Uses: Sendable {
    private let times = Locked([ScriptedProvider.Operation: [Timestamp]]())

    func watch(_ provider: ScriptedProvider, _ clock: TestClock) {
      provider.onUse { [times] operation in
        times.withLock { $0[operation, default: []].append(clock.monotonic()) }
      }
    }

    func gaps(_ operation: ScriptedProvider.Operation) -> [Duration] {
      let times = times.withLock { $0[operation] ?? [] }
      return zip(times, times.dropFirst()).map { $1 - $0 }
    }
  }

  @Test(
    arguments: [ScriptedProvider.Operation.upload, .create, .retrieve, .results],
    [Duration.milliseconds(1), .seconds(1), .seconds(30), .seconds(600)])
  func noKindOfOperationIsUsedBeforeItsTime(operation: ScriptedProvider.Operation, pause: Duration) async throws {
    let provider = ScriptedProvider()
    let clock = TestClock()
    let uses = Uses()
    uses.watch(provider, clock)
    provider.fail(operation, .pause(pause), .pause(pause))
    try await Pipeline.run(provider, clock: clock) { pipeline in
      pipeline.push(Message("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.summary.isSuccess) == [true])
      let gaps = uses.gaps(operation)
      #expect(gaps.count >= 2)
      for gap in gaps.prefix(2) {
        #expect(gap >= pause)
        // A tenth more at most, and what the operation waits anyway.
        #expect(gap <= pause + pause / 10 + .seconds(70))
      }
      #expect(pipeline.health.current.isEmpty)
    }
  }

  @Test func theOtherBatchesOfTheAccountWaitToo() async throws {
    let provider = ScriptedProvider()
    let clock = TestClock()
    let uses = Uses()
    uses.watch(provider, clock)
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 2 } }
    provider.fail(.retrieve, .pause(.seconds(600)))
    try await Pipeline.run(
      provider, clock: clock, configure: { $0.configuration.deferredWindow.maximumRequests = 1 }
    ) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the wait to show") {
        pipeline.health.current.contains { $0.part == .hold(provider: "openai", "poll") }
      }
      pipeline.push(Message("b"), Message("c"))
      _ = try await pipeline.untilReplies(3)
      #expect(uses.gaps(.retrieve).first.map { $0 >= .seconds(600) } == true)
      #expect(pipeline.health.current.isEmpty)
    }
  }

  /// Another kind is not held up by it.
  @Test func aPauseOfPollsHoldsNoUploadUp() async throws {
    let provider = ScriptedProvider()
    provider.fail(.retrieve, .pause(.seconds(3000)))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the pause") { provider.count(.retrieve) == 1 }
      let begin = pipeline.clock.monotonic()
      pipeline.push(Message("b"))
      try await pipeline.until("the second batch") { provider.created.count == 2 }
      #expect(pipeline.clock.monotonic() - begin < .seconds(60))
      _ = try await pipeline.untilReplies(2)
    }
  }

  @Test(arguments: [Duration.seconds(86_400), .unreadableRetryAfter])
  func aPauseThatNobodyWaitsOutIsTriedOnce(pause: Duration) async throws {
    let provider = ScriptedProvider()
    let clock = TestClock()
    let uses = Uses()
    uses.watch(provider, clock)
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 1 } }
    provider.fail(.retrieve, .pause(pause), .pause(pause))
    try await Pipeline.run(
      provider, clock: clock,
      configure: {
        $0.configuration.maximumRetryAfter = .seconds(300)
        $0.configuration.deferredWindow.maximumRequests = 1
      }
    ) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the pause") { provider.count(.retrieve) == 1 }
      pipeline.push(Message("b"), Message("c"))
      _ = try await pipeline.untilReplies(3)
      // One in each of the first two times, and all of them after the third is answered.
      let gaps = uses.gaps(.retrieve)
      #expect(gaps.prefix(2).allSatisfy { $0 >= .seconds(300) && $0 <= .seconds(340) })
    }
  }

  @Test func aShutdownDoesNotWaitForAPause() async throws {
    let provider = ScriptedProvider()
    provider.fail(.upload, .pause(.seconds(600)))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the wait") { !pipeline.health.current.isEmpty }
      #expect(try await pipeline.drain() < .seconds(1))
    }
  }

  @Test func whatWaitsForAPauseBeyondItsCutOffIsSentSynchronously() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .pause(.seconds(600)))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a") { $0.deadlineMilliseconds = 1_000_000 }, Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.calls.count == 1)
    }
  }
}
