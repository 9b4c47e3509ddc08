import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// Batches of which nobody can tell what became of them.
@Suite(.timeLimit(.minutes(4)))
struct ReconcileTests {
  private func isUnknown(_ pipeline: Pipeline) -> Bool {
    pipeline.health.current.contains { if case .unknownBatch = $0.part { true } else { false } }
  }

  private func label(_ pipeline: Pipeline) async throws -> String {
    try #require(try await pipeline.ledger.openBatches().first?.label)
  }

  /// A provider that cannot be searched, with an unconfirmed create.
  private func untilAsked(_ pipeline: Pipeline) async throws {
    pipeline.push(Message("a"), Message("b"))
    try await pipeline.until("the question") { isUnknown(pipeline) }
  }

  @Test func anOperatorAdopts() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .answerLost)
    try await Pipeline.run(provider) { pipeline in
      try await untilAsked(pipeline)
      let id = try #require(provider.batchIDs.first)
      #expect(
        try await pipeline.ledger.resolve(label: try await label(pipeline), as: .adopt(id), at: pipeline.clock.now()))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.count(.create) == 1)
      #expect(!isUnknown(pipeline))
    }
  }

  @Test func anOperatorHasItSubmittedAgain() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .connectionLost)
    try await Pipeline.run(provider) { pipeline in
      try await untilAsked(pipeline)
      #expect(
        try await pipeline.ledger.resolve(label: try await label(pipeline), as: .resubmit, at: pipeline.clock.now()))
      _ = try await pipeline.untilReplies(2)
      #expect(provider.deletedFiles.count == 1)
      #expect(provider.count(.create) == 2)
      #expect(provider.paid.count == 2)
    }
  }

  /// Without the delete a create that comes late would make a second batch.
  @Test func submittingAgainWaitsForTheInputFileToBeDeleted() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .connectionLost)
    for _ in 0..<8 { provider.fail(.deleteFile, .unavailable) }
    try await Pipeline.run(provider) { pipeline in
      try await untilAsked(pipeline)
      let begin = pipeline.clock.monotonic()
      #expect(
        try await pipeline.ledger.resolve(label: try await label(pipeline), as: .resubmit, at: pipeline.clock.now()))
      _ = try await pipeline.untilReplies(2)
      #expect(provider.count(.deleteFile) == 9 && provider.count(.create) == 2)
      #expect(pipeline.clock.monotonic() - begin > .seconds(4), "it is deleted in a hot loop")
    }
  }

  @Test func anOperatorMayDecideOtherwiseWhileTheDeleteFails() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .connectionLost)
    for _ in 0..<10_000 { provider.fail(.deleteFile, .unavailable) }
    try await Pipeline.run(provider) { pipeline in
      try await untilAsked(pipeline)
      let label = try await label(pipeline)
      #expect(try await pipeline.ledger.resolve(label: label, as: .resubmit, at: pipeline.clock.now()))
      try await pipeline.until("some tries") { provider.count(.deleteFile) > 3 }
      #expect(try await pipeline.ledger.resolve(label: label, as: .giveUp, at: pipeline.clock.now()))
      #expect(try await pipeline.untilReplies(2).map(\.code) == ["result_missing", "result_missing"])
      #expect(provider.count(.create) == 1)
    }
  }

  @Test func anOperatorGivesUp() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .connectionLost)
    try await Pipeline.run(provider) { pipeline in
      try await untilAsked(pipeline)
      #expect(
        try await pipeline.ledger.resolve(label: try await label(pipeline), as: .giveUp, at: pipeline.clock.now()))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.map(\.code) == ["result_missing", "result_missing"])
      #expect(provider.count(.create) == 1)
      #expect(try await pipeline.ledger.openBatches().isEmpty)
    }
  }

  @Test func twoMatchesWaitForAnOperator() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, .answerLost)
    provider.copyNextCreate()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the question") {
        pipeline.health.current.contains { $0.detail.contains("several batches") }
      }
      let before = pipeline.clock.monotonic()
      try await pipeline.until("an hour to pass") { pipeline.clock.monotonic() - before > .seconds(3600) }
      #expect(provider.count(.create) == 1 && pipeline.sink.published.isEmpty)
      let id = try #require(provider.batchIDs.first)
      #expect(
        try await pipeline.ledger.resolve(label: try await label(pipeline), as: .adopt(id), at: pipeline.clock.now()))
      #expect(try await pipeline.untilReplies(1).first?.summary.isSuccess == true)
    }
  }

  /// A shutdown does not wait for what waits for an operator.
  @Test func anUnknownBatchDelaysNoDrain() async throws {
    let provider = ScriptedProvider(searchable: false)
    provider.fail(.create, .connectionLost)
    try await Pipeline.run(provider) { pipeline in
      try await untilAsked(pipeline)
      #expect(try await pipeline.drain() < .seconds(5))
    }
  }

  /// The key was replaced by another of the same project.
  @Test(arguments: [true, false])
  func anotherKeyThatSeesTheBatchBringsItHome(isConfirmed: Bool) async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 3 } }
    try await Pipeline.run(provider) { pipeline in
      if !isConfirmed { pipeline.ledger.setUnavailable([.markSubmitted]) }
      pipeline.push(Message("a"), Message("b"))
      try await pipeline.until("the batch") {
        provider.paid.count == 2 && (!isConfirmed || provider.count(.retrieve) > 0)
      }
      let new = ScriptedProvider(account: "openai-new-key")
      new.setStandIns(provider)
      pipeline.provider = new
      try await pipeline.restart()
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.count == 1 && new.created.isEmpty)
    }
  }

  /// The key was replaced by one of another project: that it finds nothing means nothing.
  @Test(arguments: [BatchResolution.resubmit, .giveUp])
  func aBatchThatNoKeySeesWaitsForAnOperator(resolution: BatchResolution) async throws {
    let old = ScriptedProvider()
    old.onBatch { _, _ in BatchPlot { $0.runningPolls = 1_000_000 } }
    try await Pipeline.run(old) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("a poll") { old.count(.retrieve) > 0 }
      let new = ScriptedProvider(account: "openai-new-key")
      let blind = ScriptedProvider(account: "openai-new-key")
      new.setStandIns(blind)
      pipeline.provider = new
      try await pipeline.restart()
      try await pipeline.until("the alert") {
        pipeline.health.current.contains { if case .unreachableBatch = $0.part { true } else { false } }
      }
      let before = pipeline.clock.monotonic()
      try await pipeline.until("two hours to pass") { pipeline.clock.monotonic() - before > .seconds(7200) }
      #expect(new.created.isEmpty && pipeline.sink.published.isEmpty && blind.count(.retrieve) > 5)
      #expect(
        try await pipeline.ledger.resolve(label: try await label(pipeline), as: resolution, at: pipeline.clock.now()))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == [resolution == .giveUp ? "result_missing" : nil])
      #expect(new.created.count == (resolution == .giveUp ? 0 : 1))
      try await pipeline.until("the alert to end") { pipeline.health.current.isEmpty }
    }
  }
}
