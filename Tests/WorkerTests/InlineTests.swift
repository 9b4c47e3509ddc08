import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// A provider that takes the rows of a batch in the create: it has no files.
@Suite(.timeLimit(.minutes(4)))
struct InlineTests {
  private func run(_ provider: ScriptedProvider, _ body: (Pipeline) async throws -> Void) async throws {
    try await Pipeline.run(provider, body)
    #expect(provider.complaints.isEmpty)
    #expect(provider.count(.upload) == 0)
    #expect(provider.deletedFiles.isEmpty)
  }

  @Test func rowsTravelInTheCreate() async throws {
    let provider = ScriptedProvider(isInline: true)
    try await run(provider) { pipeline in
      pipeline.push((0..<5).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(5)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.paid.count == 5)
      try await pipeline.untilSettled()
    }
  }

  @Test func aCreateWhoseAnswerIsLostIsAdopted() async throws {
    let provider = ScriptedProvider(isInline: true)
    provider.fail(.create, .answerLost)
    try await run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      _ = try await pipeline.untilReplies(2)
      #expect(provider.count(.create) == 1)
      #expect(provider.paid.count == 2)
    }
  }

  @Test func aCreateThatDidNotHappenIsMadeAgain() async throws {
    let provider = ScriptedProvider(isInline: true)
    provider.fail(.create, .connectionLost)
    try await run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      _ = try await pipeline.untilReplies(2)
      #expect(provider.count(.create) == 2)
      // In the grace, after it, and after the lag of a list.
      #expect(provider.count(.findBatches) == 3)
      #expect(provider.paid.count == 2)
    }
  }

  @Test func aRestartSearchesForTheCreate() async throws {
    let provider = ScriptedProvider(isInline: true)
    provider.fail(.create, .answerLost)
    provider.fail(.findBatches, .unavailable)
    try await run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the create") { provider.count(.create) == 1 }
      try await pipeline.restart()
      _ = try await pipeline.untilReplies(1)
      #expect(provider.count(.create) == 1)
    }
  }

  /// One that is too large as a whole comes back in smaller ones.
  @Test func aCreateThatIsTooLargeIsDivided() async throws {
    let provider = ScriptedProvider(isInline: true)
    provider.fail(.create, .rejected(413))
    try await run(provider) { pipeline in
      pipeline.push((0..<8).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(8)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.count > 1)
      #expect(provider.paid.count == 8)
    }
  }

  /// Lines that say that the credit is used up suspend the account, and nobody is answered with them.
  @Test func rowsThatCloseTheAccountSuspendIt() async throws {
    let provider = ScriptedProvider(isInline: true)
    provider.onBatch { number, _ in
      BatchPlot { $0.row = { _, _ in number == 0 ? .ended(.accountClosed(.billing)) : .succeeded } }
    }
    try await run(provider) { pipeline in
      pipeline.push((0..<5).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(5)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.paid.count == 5)
      #expect(pipeline.alerted.withLock { $0.map(\.isRaised) }.first == true)
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func whatTheProviderCannotTakeIsPoison(lane: Lane) async throws {
    let provider = ScriptedProvider(isInline: true)
    provider.object(to: .chatCompletions, "seed: has no counterpart")
    try await run(provider) { pipeline in
      pipeline.push(Message("a"), to: lane)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["invalid_request"])
      #expect(provider.created.isEmpty && provider.calls.isEmpty)
    }
  }
}
