import BatchCore
import Ledger
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// The ledger is there and cannot keep one row: only that one has another end for it.
@Suite(.timeLimit(.minutes(4)))
struct RefusedRowTests {
  private func source(_ lane: Lane, of pipeline: Pipeline) -> FakeDeliverySource {
    lane == .interactive ? pipeline.interactive : pipeline.deferred
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func aRequestThatCannotBeKeptBecomesPoisonAlone(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.refuse(requests: { request in
        guard case .call = request.content else { return false }
        return request.envelope.correlationID == Array("m13".utf8)
      })
      pipeline.push((0..<20).map { Message("m\($0)") }, to: lane)
      let replies = try await pipeline.untilReplies(20)
      try await pipeline.untilSettled()
      #expect(replies.filter { !$0.summary.isSuccess }.map(\.correlation) == ["m13"])
      #expect(replies.compactMap(\.code) == ["invalid_request"])
      #expect(pipeline.provider.paid.count == 19)
      let verdicts = source(lane, of: pipeline).settlements.map(\.verdict)
      let discarded = verdicts.filter { $0 == .discard }
      #expect(verdicts.count == 20 && discarded.count == 1)
      #expect(pipeline.ledger.count(.admit) <= 12, "halves of 20, two for each of five levels, and the poison")
      #expect(pipeline.health.current.isEmpty)
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func poisonWithoutARowIsAnsweredAndThenDiscarded(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.refuse(requests: { $0.envelope.correlationID == Array("bad".utf8) })
      pipeline.sink.gate.shut()
      pipeline.push(Message("bad"), to: lane)
      try await eventually("the reply to be published") { pipeline.sink.gate.held == 1 }
      try await pipeline.quiet()
      #expect(source(lane, of: pipeline).settlements.isEmpty)
      pipeline.sink.gate.open()
      try await pipeline.untilSettled()
      #expect(source(lane, of: pipeline).settlements.map(\.verdict) == [.discard])
      // As after a crash before the broker heard of it: the same reply again.
      pipeline.push(Message("bad"), Message("good"), to: lane)
      let replies = try await pipeline.untilReplies(3)
      #expect(replies.filter { $0.correlation == "bad" }.map(\.code) == ["invalid_request", "invalid_request"])
      #expect(Set(replies.map(\.messageID)).count == 2)
      #expect(pipeline.provider.paid.count == 1)
    }
  }

  @Test func poisonWithoutARowKeepsItsOwnReason() async throws {
    try await Pipeline.run(configure: { $0.configuration.publishesPoison = { _ in true } }) { pipeline in
      pipeline.ledger.refuse(requests: { $0.envelope.correlationID == Array("bad".utf8) })
      pipeline.push(Message("bad") { $0.body = "{" })
      try await pipeline.untilSettled()
      #expect(try pipeline.replies().map(\.code) == ["invalid_json"])
      #expect(pipeline.deadLetters.map(\.body) == [Array("{".utf8)])
      #expect(pipeline.deferred.settlements.map(\.verdict) == [.ack])
    }
  }

  @Test(arguments: [PublishOutcome.refused, .returned(code: 312, text: "NO_ROUTE")])
  func theReplyOfPoisonWithoutARowGoesWhereItIsFound(outcome: PublishOutcome) async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.refuse(requests: { $0.envelope.correlationID == Array("bad".utf8) })
      pipeline.sink.script { $0.exchange == "llm.results" ? outcome : .confirmed }
      pipeline.push(Message("bad"))
      try await pipeline.untilSettled()
      #expect(try pipeline.replies().map(\.exchange) == ["llm.results.unclaimed"])
      #expect(pipeline.deferred.settlements.map(\.verdict) == [.discard])
    }
  }

  @Test func aDrainWaitsForTheReplyOfPoisonWithoutARow() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.refuse(requests: { _ in true })
      pipeline.sink.gate.shut()
      pipeline.push(Message("bad"))
      try await eventually("the reply to be published") { pipeline.sink.gate.held == 1 }
      _ = try await pipeline.drain { pipeline.sink.gate.open() }
      #expect(pipeline.deferred.settlements.map(\.verdict) == [.discard])
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func anAnswerThatCannotBeKeptIsMissingAlone(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      // Whichever is recorded first.
      let chosen = Locked<RequestID?>(nil)
      pipeline.ledger.refuse(outcomes: { outcome in
        guard outcome.response != nil else { return false }
        return chosen.withLock { chosen in
          chosen = chosen ?? outcome.id
          return chosen == outcome.id
        }
      })
      pipeline.push((0..<20).map { Message("m\($0)") }, to: lane)
      let replies = try await pipeline.untilReplies(20)
      try await pipeline.untilSettled()
      let failed = replies.filter { !$0.summary.isSuccess }
      #expect(failed.map(\.code) == ["result_missing"])
      #expect(failed.first?.summary.errorMessage?.contains("the ledger refused") == true)
      // It was paid, and is not asked for again.
      #expect(failed.first?.summary.usage == ScriptedProvider.usage)
      let succeeded = replies.first { $0.summary.isSuccess }
      #expect(succeeded != nil && failed.first?.summary.cost == succeeded?.summary.cost)
      #expect(pipeline.provider.paid.count == 20)
    }
  }

  @Test func whatTheProviderRefusedStaysRefused() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.row = { _, _ in .ended(.rejected) } } }
    try await Pipeline.run(provider) { pipeline in
      pipeline.ledger.refuse(outcomes: { $0.response != nil })
      pipeline.push(Message("a"), Message("b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.map(\.code) == ["provider_rejected", "provider_rejected"])
      #expect(replies.allSatisfy { $0.summary.statusCode == nil })
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func whatCannotBeKeptAtAllEndsAllTheSame(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.refuse(outcomes: { $0.usage != nil })
      pipeline.push((0..<3).map { Message("m\($0)") }, to: lane)
      let replies = try await pipeline.untilReplies(3)
      try await pipeline.untilSettled()
      #expect(replies.map(\.code) == ["result_missing", "result_missing", "result_missing"])
      #expect(pipeline.provider.paid.count == 3)
    }
  }

  /// An attempt that may be made again is: what was refused is only the text of its failure.
  @Test(arguments: [Lane.interactive, .deferred])
  func aRetryGoesOnWithoutTheText(lane: Lane) async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number == 0
        ? ScriptedProvider.failure(.retryable(retryAfter: nil)) : ScriptedProvider.success(of: call)
    }
    provider.onBatch { number, _ in
      BatchPlot { if number == 0 { $0.row = { _, _ in .ended(.retryable(retryAfter: nil)) } } }
    }
    try await Pipeline.run(provider) { pipeline in
      pipeline.ledger.refuse(outcomes: { $0.verdict != .finish(nil) && $0.response != nil })
      pipeline.push(Message("a"), to: lane)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.summary.isSuccess) == [true])
    }
  }
}
