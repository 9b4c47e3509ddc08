import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct BatchFailureTests {
  @Test func aBatchWithoutRoomIsSentAgainLater() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in number < 6 ? .failed("token_limit_exceeded") : BatchPlot() }
    // More failures than attempts: they say nothing about the requests.
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 2 }) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 1 })
      // The first refusal has taught that two at once are too many.
      #expect(provider.created.map(\.count).prefix(2) == [2, 1])
      #expect(provider.paid.count == 2)
    }
  }

  @Test func aNamedLineIsTakenOut() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      number == 0 ? .failed("invalid_request", "line 3 is bad", line: 3) : BatchPlot()
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push((1...5).map { Message("line\($0)") })
      let replies = try await pipeline.untilReplies(5)
      #expect(replies.filter { !$0.summary.isSuccess }.map(\.correlation) == ["line3"])
      #expect(replies.first { $0.correlation == "line3" }?.code == "provider_rejected")
      #expect(provider.created.map(\.count) == [5, 4])
    }
  }

  /// A crash after the named row was answered and before the others went back must not shift the lines.
  @Test func aNamedLineIsNotTakenForAnotherAfterACrash() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      number == 0 ? .failed("invalid_request", "line 1 is bad", line: 1) : BatchPlot()
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.ledger.setUnavailable([.abandon])
      pipeline.push((1...4).map { Message("line\($0)") })
      try await pipeline.until("the abandon to be tried") { pipeline.ledger.count(.abandon) > 0 }
      try await pipeline.restart()
      let replies = try await pipeline.untilReplies(4)
      #expect(Set(replies.filter { !$0.summary.isSuccess }.map(\.correlation)) == ["line1"])
      #expect(provider.paid.count == 3)
    }
  }

  @Test func anUnnamedLineIsFoundByHalving() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, rows in
      rows.contains { String(decoding: $0.body.bytes, as: UTF8.self).contains("bad") }
        ? .failed("invalid_json_line") : BatchPlot()
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push((0..<16).map { Message($0 == 11 ? "bad" : "good\($0)") })
      let replies = try await pipeline.untilReplies(16)
      #expect(replies.filter { !$0.summary.isSuccess }.map(\.correlation) == ["bad"])
      #expect(provider.paid.count == 15)
      #expect(provider.created.map(\.count) == [16, 8, 8, 4, 4, 2, 2, 1, 1])
    }
  }

  @Test func aBatchThatCannotSucceedFailsItsRows() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in .failed("model_not_found", "there is no such model") }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.map(\.code) == ["provider_rejected", "provider_rejected"])
      #expect(provider.created.count == 1)
    }
  }

  @Test func anExpiredBatchDeliversWhatRanAndSendsTheRestAgain() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      guard number == 0 else { return BatchPlot() }
      return BatchPlot {
        $0.end = .expired
        $0.row = { place, _ in
          switch place {
          case 0, 1: .succeeded
          case 2: .ended(.notExecuted(.expired))
          default: .absent
          }
        }
      }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push((0..<6).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(6)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.map(\.count) == [6, 4])
      #expect(provider.paid.count == 6)
    }
  }

  @Test(arguments: [BatchState.completed, .expired, .cancelled])
  func filesThatAppearLateAreWaitedFor(end: BatchState) async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in
      BatchPlot {
        $0.end = end
        $0.fileLag = 3
      }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.count == 1)
      #expect(provider.paid.count == 2)
    }
  }

  @Test(arguments: [BatchState.completed, .expired])
  func whatRanAndIsNotShownIsAnsweredAsMissing(end: BatchState) async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in
      BatchPlot {
        $0.end = end
        $0.fileLag = .max / 2
      }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.map(\.code) == ["result_missing", "result_missing"])
      #expect(provider.created.count == 1)
    }
  }

  @Test func whatDidNotRunIsSentAgain() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      BatchPlot { $0.row = { place, _ in number == 0 && place == 1 ? .absent : .succeeded } }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.map(\.count) == [2, 1])
      #expect(provider.paid.count == 2)
    }
  }

  /// Numbers from outside may be anything.
  @Test func absurdCountsDoNotTrap() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in
      BatchPlot {
        $0.counts = BatchSnapshot.Counts(total: 2, completed: .max, failed: .max)
        $0.row = { place, _ in place == 0 ? .succeeded : .absent }
      }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.map(\.code).contains("result_missing"))
    }
  }

  @Test func aForgottenBatchIsLost() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = .max } }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the first poll") { provider.count(.retrieve) > 0 }
      let before = pipeline.clock.monotonic()
      provider.forgetBatches()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.code) == ["result_missing"])
      #expect(pipeline.clock.monotonic() - before >= .seconds(3600))
      #expect(provider.created.count == 1)
      try await pipeline.until("the worries to end") { pipeline.health.current.isEmpty }
    }
  }

  @Test func pollsSurviveAnOutage() async throws {
    let provider = ScriptedProvider()
    provider.fail(.retrieve, .unavailable, .unavailable, .unavailable, .unavailable)
    provider.fail(.results, .unavailable)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(Message("a"))
      _ = try await pipeline.untilReplies(1)
      #expect(provider.created.count == 1)
      try await pipeline.until("the worries to end") { pipeline.health.current.isEmpty }
    }
  }
}
