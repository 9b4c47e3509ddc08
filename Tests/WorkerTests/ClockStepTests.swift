import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// The wall clock is set by an hour, both ways, while work waits. Waits are durations: they end neither sooner nor later.
@Suite(.timeLimit(.minutes(4)))
struct ClockStepTests {
  static let hours: [Duration] = [.seconds(3600), .seconds(-3600)]

  @Test(arguments: hours)
  func aParkedCallWaitsAsLongAsItWould(step: Duration) async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number == 0
        ? ScriptedProvider.failure(.rateLimited(retryAfter: .seconds(120)), status: 429)
        : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider, configure: { $0.configuration.interactiveHold = .seconds(1) }) { pipeline in
      pipeline.push(Message("a"), to: .interactive)
      try await pipeline.until("the request to be parked") { pipeline.interactive.count(.ack) == 1 }
      let parkedAt = pipeline.clock.monotonic()
      pipeline.clock.stepWall(by: step)
      _ = try await pipeline.untilReplies(1)
      let waited = pipeline.clock.monotonic() - parkedAt
      #expect(waited >= .seconds(115) && waited < .seconds(150), "it waited \(waited)")
    }
  }

  @Test(arguments: hours)
  func aRowWaitsAsLongAsItWouldAlsoOverARestart(step: Duration) async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      guard number == 0 else { return BatchPlot() }
      return BatchPlot { $0.row = { _, _ in .ended(.rateLimited(retryAfter: .seconds(900))) } }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the first batch to settle") { pipeline.ledger.count(.settle) == 1 }
      let failedAt = pipeline.clock.monotonic()
      pipeline.clock.stepWall(by: step)
      try await pipeline.until("the step to be seen") { pipeline.ledger.count(.shiftWaiting) == 1 }
      try await pipeline.quiet()
      // In memory it waits by the monotonic clock; what it waits by after a restart is in the ledger.
      try await pipeline.restart()
      _ = try await pipeline.untilReplies(1)
      let waited = pipeline.clock.monotonic() - failedAt
      #expect(waited >= .seconds(880) && waited < .seconds(1300), "it waited \(waited)")
    }
  }

  @Test(arguments: hours)
  func filesThatAppearLateAreWaitedForAsLongAsEver(step: Duration) async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.fileLag = 4 } }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      try await pipeline.until("the first poll") { provider.count(.retrieve) >= 2 }
      let begin = pipeline.clock.monotonic()
      pipeline.clock.stepWall(by: step)
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(pipeline.clock.monotonic() - begin < .seconds(300))
    }
  }

  @Test(arguments: hours)
  func whatNeverComesIsAnsweredAfterTheGrace(step: Duration) async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.row = { _, _ in .lost } } }
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 1 }) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the first poll") { provider.count(.retrieve) >= 1 }
      let begin = pipeline.clock.monotonic()
      pipeline.clock.stepWall(by: step)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["result_missing"])
      let waited = pipeline.clock.monotonic() - begin
      let grace = pipeline.configuration.settleGrace
      #expect(waited > grace - .seconds(60) && waited < grace + .seconds(120), "it waited \(waited)")
    }
  }

  @Test func aSlewedClockMovesNothing() async throws {
    try await Pipeline.run { pipeline in
      let begin = pipeline.clock.monotonic()
      try await pipeline.until("some minutes") {
        pipeline.clock.stepWall(by: .milliseconds(1))
        return pipeline.clock.monotonic() - begin > .seconds(120)
      }
      #expect(pipeline.ledger.count(.shiftWaiting) == 0)
    }
  }
}
