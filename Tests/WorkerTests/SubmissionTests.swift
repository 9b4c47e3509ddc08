import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct SubmissionTests {
  @Test func aCreateWhoseAnswerIsLostIsAdopted() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .answerLost)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.count == 1)
      #expect(provider.count(.create) == 1)
      #expect(provider.paid.count == 2)
    }
  }

  /// The provider's list may show a batch only after a while.
  @Test func aCreateThatIsListedLateIsAdopted() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .answerLost)
    // An empty list.
    provider.fail(.findBatches, .answerLost)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      _ = try await pipeline.untilReplies(1)
      #expect(provider.created.count == 1)
      #expect(provider.deletedFiles.isEmpty)
    }
  }

  @Test func aCreateThatDidNotHappenIsFencedAndMadeAgain() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .connectionLost)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      _ = try await pipeline.untilReplies(2)
      #expect(provider.created.count == 1)
      #expect(provider.count(.create) == 2)
      // Twice before the fence and once after it.
      #expect(provider.count(.findBatches) == 3)
      #expect(provider.deletedFiles.count == 1)
      #expect(provider.paid.count == 2)
    }
  }

  @Test func aSearchThatFailsIsRepeatedAndNothingIsCreated() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .answerLost)
    provider.fail(.findBatches, .unavailable, .unavailable, .unavailable, .unavailable)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      _ = try await pipeline.untilReplies(1)
      #expect(provider.count(.create) == 1)
    }
  }

  @Test func aProviderThatCannotBeSearchedGetsNoSecondCreate() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .connectionLost)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the report") {
        pipeline.health.current.contains { if case .unknownBatch = $0.part { true } else { false } }
      }
      let before = pipeline.clock.monotonic()
      try await pipeline.until("an hour to pass") { pipeline.clock.monotonic() - before > .seconds(3600) }
      #expect(provider.count(.create) == 1)
      #expect(pipeline.sink.published.isEmpty)
    }
  }

  @Test func anOutageIsWaitedOut() async throws {
    let provider = ScriptedProvider()
    provider.fail(.upload, .unavailable, .answerLost)
    provider.fail(.create, .unavailable, .unavailable, .unavailable)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.first?.summary.attempts == 1)
      #expect(provider.created.count == 1)
      #expect(pipeline.health.current.isEmpty)
    }
  }

  @Test func anInputFileThatIsGoneIsUploadedAgain() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .notFound)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      _ = try await pipeline.untilReplies(1)
      #expect(provider.count(.upload) == 2)
      #expect(provider.created.count == 1)
    }
  }

  @Test func aRefusedSubmissionUsesUpTheAttempts() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .rejected(400), .rejected(400), .rejected(400))
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 2 }) { pipeline in
      pipeline.push(Message("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["provider_rejected"])
      #expect(provider.count(.create) == 2)
      #expect(provider.paid.isEmpty)
    }
  }
}
