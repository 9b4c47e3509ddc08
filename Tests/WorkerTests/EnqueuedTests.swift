import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// The limits of an account's batches.
@Suite(.timeLimit(.minutes(4)))
struct EnqueuedTests {
  private func messages(_ count: Int) -> [Message] { (0..<count).map { Message("m\($0)") } }

  private func requests(_ rows: [BatchRow], label: String? = nil) -> [String] {
    rows.compactMap { $0.customID.split(separator: "_").dropFirst().first.map(String.init) }
  }

  @Test func aCapThatNobodyToldIsLearnedFromOneRefusal() async throws {
    let provider = ScriptedProvider()
    provider.setEnqueuedCap(100)
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 3 } }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(100))
      let replies = try await pipeline.untilReplies(100)
      #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 1 })
      // All of it in one batch; nothing after it was refused.
      #expect(provider.refusedForTokens.map(\.count) == [100])
      #expect(provider.paid.count == 100)
      #expect(pipeline.health.current.isEmpty)
    }
  }

  @Test func aConfiguredCapIsNeverPassed() async throws {
    let provider = ScriptedProvider()
    provider.setEnqueuedCap(100)
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 3 } }
    try await Pipeline.run(
      provider, configure: { $0.configuration.batchLimits["openai"] = BatchLimits(enqueuedTokens: 100) }
    ) { pipeline in
      pipeline.push(messages(60))
      _ = try await pipeline.untilReplies(60)
      #expect(provider.refusedForTokens.isEmpty)
      #expect(provider.created.count > 6)
    }
  }

  /// Its first window is closed by then, and later ones know.
  @Test func whatWasLearnedOutlivesTheProcess() async throws {
    let provider = ScriptedProvider()
    provider.setEnqueuedCap(100)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(20))
      _ = try await pipeline.untilReplies(20)
      #expect(provider.refusedForTokens.count == 1)
      try await pipeline.restart()
      try await pipeline.until("the standings to be read") { pipeline.ledger.count(.standings) > 0 }
      pipeline.push((0..<20).map { Message("n\($0)") })
      _ = try await pipeline.untilReplies(40)
      #expect(provider.refusedForTokens.count == 1)
    }
  }

  /// Another replica was refused meanwhile, for instance.
  @Test func whatIsLearnedDuringAnUploadKeepsItsBatchFromBeingRefused() async throws {
    let provider = ScriptedProvider()
    provider.setEnqueuedCap(100)
    provider.uploadGate.shut()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(20))
      try await pipeline.until("an upload to be on its way") { provider.uploadGate.held == 1 }
      let batch = try #require(try await pipeline.ledger.openBatches().first)
      _ = try await pipeline.ledger.learn(
        .refusedTokens(named: 100), from: batch, random: 0, at: pipeline.clock.now())
      provider.uploadGate.open()
      _ = try await pipeline.untilReplies(20)
      #expect(provider.refusedForTokens.isEmpty)
      #expect(provider.created.count >= 2)
    }
  }

  @Test func oneRequestThatNothingMakesRoomForIsNotTriedForEver() async throws {
    let provider = ScriptedProvider()
    provider.setEnqueuedCap(5)
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 3 }) { pipeline in
      pipeline.push(Message("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["provider_unavailable"])
      #expect(provider.created.count == 3)
    }
  }

  /// It leaves the batch that waits and is sent synchronously, in time.
  @Test func whatWaitsForRoomUntilItsCutOffIsSentSynchronously() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 1_000_000 } }
    try await Pipeline.run(
      provider, configure: { $0.configuration.batchLimits["openai"] = BatchLimits(enqueuedTokens: 12) }
    ) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the first batch") { provider.created.count == 1 }
      pipeline.push(Message("b") { $0.deadlineMilliseconds = 1_200_000 })
      try await pipeline.until("the wait to show") {
        pipeline.health.current.contains { $0.part == .room(provider: "openai", model: "gpt-4o-mini") }
      }
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == [nil])
      #expect(replies.map(\.correlation) == ["b"])
      #expect(provider.calls.count == 1)
      #expect(provider.created.count == 1)
      #expect(!pipeline.health.current.contains { $0.part == .room(provider: "openai", model: "gpt-4o-mini") })
    }
  }

  @Test func aShutdownDoesNotWaitForRoom() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 1_000_000 } }
    try await Pipeline.run(
      provider, configure: { $0.configuration.batchLimits["openai"] = BatchLimits(enqueuedTokens: 12) }
    ) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the first batch") { provider.created.count == 1 }
      pipeline.push(Message("b"))
      try await pipeline.until("the wait") { !pipeline.health.current.isEmpty }
      #expect(try await pipeline.drain() < .seconds(1))
    }
  }

  @Test func createsOfAnHourAreKept() async throws {
    let provider = ScriptedProvider()
    let clock = TestClock()
    let times = Locked([Timestamp]())
    provider.onUse { if $0 == .create { times.withLock { $0.append(clock.monotonic()) } } }
    try await Pipeline.run(
      provider, clock: clock,
      configure: {
        $0.configuration.batchLimits["openai"] = BatchLimits(createsPerHour: 3)
        $0.configuration.deferredWindow.maximumRequests = 1
      }
    ) { pipeline in
      pipeline.push(messages(7))
      for replies in [3, 6] {
        _ = try await pipeline.untilReplies(replies)
        try await pipeline.quiet()
        #expect(times.withLock { $0.count } == replies)
        // The rest of the hour but some minutes, in one step.
        clock.advance(by: .seconds(3300))
      }
      _ = try await pipeline.untilReplies(7)
      let times = times.withLock { $0 }
      #expect(times.count == 7)
      for (first, fourth) in zip(times, times.dropFirst(3)) { #expect(fourth - first >= .seconds(3600)) }
      #expect(times[6] - times[0] < .seconds(7300))
    }
  }

  /// Found with the simulator: the pause was taken for a limit of the hour, and what came after it waited for that.
  @Test func aLongPauseOfACreateIsNoLimitOfTheHour() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .pause(.seconds(600)))
    try await Pipeline.run(provider, configure: { $0.configuration.deferredWindow.maximumRequests = 1 }) { pipeline in
      pipeline.push(messages(3))
      let begin = pipeline.clock.monotonic()
      _ = try await pipeline.untilReplies(3)
      #expect(pipeline.clock.monotonic() - begin < .seconds(900))
    }
  }

  @Test func aRefusedFileSizeIsNotBuiltAgain() async throws {
    let provider = ScriptedProvider()
    provider.fail(.upload, .rejected(413))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(16))
      let replies = try await pipeline.untilReplies(16)
      #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 1 })
      #expect(provider.created.count >= 2)
      #expect(provider.created.allSatisfy { $0.count <= 8 })
    }
  }

  @Test func tooManyRowsMakeSmallerBatches() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, rows in
      rows.count > 5 ? .failed("too_many_tasks", "too many requests; limit: 5") : BatchPlot()
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(20))
      let replies = try await pipeline.untilReplies(20)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.map(\.count) == [20, 5, 5, 5, 5])
    }
  }

  @Test func anUploadForWhichThereIsNoStorageWaitsAndShowsIt() async throws {
    let provider = ScriptedProvider()
    let full = ScriptedProvider.Fault.refused(
      ProviderError(.storageFull, isAmbiguous: false, message: "too many files"))
    provider.fail(.upload, full, full)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the report") { !pipeline.health.current.isEmpty }
      #expect(pipeline.health.current.map(\.detail) == ["openai: too many files"])
      let begin = pipeline.clock.monotonic()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.summary.isSuccess) == [true])
      #expect(pipeline.clock.monotonic() - begin >= .seconds(60))
      #expect(pipeline.health.current.isEmpty)
    }
  }

  @Test func filesOfABatchThatIsOverAreDeleted() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.row = { place, _ in place == 0 ? .ended(.rejected) : .succeeded } } }
    // One that is gone already, and an outage.
    provider.fail(.deleteFile, .notFound, .unavailable)
    try await Pipeline.run(provider, configure: { $0.configuration.deletesFiles = true }) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      _ = try await pipeline.untilReplies(2)
      try await pipeline.until("the deletes") { provider.deletedFiles.count == 2 }
      #expect(provider.count(.deleteFile) == 4)
      #expect(Set(provider.deletedFiles) == ["batch-2-output", "batch-2-errors"])
    }
  }

  @Test func anInputFileThatNobodyUsedIsDeletedToo() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .rejected(400))
    try await Pipeline.run(provider, configure: { $0.configuration.deletesFiles = true }) { pipeline in
      pipeline.push(Message("a"))
      _ = try await pipeline.untilReplies(1)
      try await pipeline.until("the deletes") { provider.deletedFiles.count == 3 }
      #expect(provider.deletedFiles.contains("file-1"))
    }
  }
}
