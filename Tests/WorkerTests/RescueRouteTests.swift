import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

/// Rescues by synchronous calls while the route of the batch cannot be called.
@Suite(.timeLimit(.minutes(4)))
struct RescueRouteTests {
  /// Twenty-five minutes; its cut-off is some eleven minutes before.
  private static let deadline: Int64 = 1_500_000

  private func urgent(_ names: String...) -> [Message] {
    names.map { Message($0) { $0.deadlineMilliseconds = Self.deadline } }
  }

  /// Its batches run until somebody ends them.
  private func endless(isCancellable: Bool = true) -> ScriptedProvider {
    let provider = ScriptedProvider(cancellable: isCancellable)
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 1_000_000 } }
    return provider
  }

  private func isInTime(_ reply: Reply, _ pipeline: Pipeline) -> Bool {
    pipeline.clock.now() < TestClock.start + .milliseconds(Self.deadline)
  }

  /// The breaker of calls is open when the deadline comes near, that of batches is not.
  private func closed(_ provider: ScriptedProvider, _ pipeline: Pipeline) async throws {
    provider.onCall { _, _ in ScriptedProvider.failure(.accountClosed(.billing), status: 402) }
    pipeline.push(Message("probe"), to: .interactive)
    _ = try await pipeline.untilReplies(1)
    #expect(provider.calls.count == 1)
  }

  /// Whatever is cheaper: requests whose own route is closed are sent the model's next.
  @Test(arguments: [true, false])
  func aRescueTakesTheNextRouteWhereItsOwnIsClosed(isCancellable: Bool) async throws {
    let provider = endless(isCancellable: isCancellable)
    let fallback = ScriptedProvider("azure")
    try await Pipeline.run(provider, configure: { $0.fallback = fallback }) { pipeline in
      try await closed(provider, pipeline)
      pipeline.push(urgent("a", "b"))
      let replies = try await pipeline.untilReplies(3)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.created.count == 1)
      #expect(provider.count(.cancel) == (isCancellable ? 1 : 0))
      #expect(fallback.calls.count == 3)
      #expect(fallback.created.isEmpty)
    }
  }

  /// Nothing is open: what the batch brings late is better than nothing.
  @Test func withoutAnotherRouteTheBatchRunsOn() async throws {
    let provider = endless()
    // It is not to be tried again until the end, by which a rescue would be possible.
    let pause = Duration.milliseconds(2 * Self.deadline)
    func patient(_ pipeline: Pipeline) {
      pipeline.pace.breaker.open = pause
      pipeline.pace.breaker.longestOpen = pause
    }
    try await Pipeline.run(provider, configure: patient) { pipeline in
      provider.onCall { _, _ in ScriptedProvider.failure(.accountClosed(.billing), status: 402) }
      pipeline.push(Message("probe"), to: .interactive)
      let worker = try #require(pipeline.worker)
      try await pipeline.until("the refusal") { try await !worker.openBreakers().isEmpty }
      pipeline.push(urgent("a"))
      try await pipeline.until("the deadline") {
        pipeline.clock.now() > TestClock.start + .milliseconds(Self.deadline)
      }
      #expect(provider.count(.cancel) == 0)
      provider.onCall { _, call in ScriptedProvider.success(of: call) }
      provider.finishBatches()
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.count == 1)
    }
  }

  /// One that is paused for longer than there is time counts as closed.
  @Test func aRescueTakesTheNextRouteWhereItsOwnWantsALongPause() async throws {
    let provider = endless(isCancellable: false)
    let fallback = ScriptedProvider("azure")
    try await Pipeline.run(provider, configure: { $0.fallback = fallback }) { pipeline in
      pipeline.push(urgent("a"))
      try await pipeline.until("the batch") { provider.created.count == 1 }
      provider.onCall { _, _ in ScriptedProvider.failure(.rateLimited(retryAfter: .seconds(3600)), status: 429) }
      try await pipeline.until("ten minutes before its cut-off") {
        pipeline.clock.now() > TestClock.start + .milliseconds(Self.deadline - 1_300_000)
      }
      pipeline.push(Message("probe") { $0.model = "gpt-4o-mini" }, to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.correlation) == ["a"])
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(fallback.calls.count == 1)
    }
  }
}
