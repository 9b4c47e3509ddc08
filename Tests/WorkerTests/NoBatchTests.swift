import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// Accounts that have no batch endpoint.
@Suite(.timeLimit(.minutes(4)))
struct NoBatchTests {
  private static let absent = ScriptedProvider.Fault.refused(
    ProviderError(.noBatches, isAmbiguous: false, message: "answered 404"))

  private func messages(_ names: Range<Int>) -> [Message] { names.map { Message("m\($0)") } }

  @Test(arguments: [ScriptedProvider.Operation.upload, .create])
  func whatIsDeferredIsServedByCalls(operation: ScriptedProvider.Operation) async throws {
    let provider = ScriptedProvider()
    provider.fail(operation, Self.absent)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(0..<5))
      let replies = try await pipeline.untilReplies(5)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.calls.count == 5)
      #expect(provider.created.isEmpty)
      // The attempt at a batch is none of theirs.
      #expect(replies.allSatisfy { $0.summary.attempts == 1 })
      let own = replies.map(\.own)
      #expect(own.allSatisfy { $0?["lane"]?.string == "interactive" && $0?["cost"]?["basis"]?.string == "list" })
      #expect(own.allSatisfy { $0?["batch_id"]?.isNull == true })
    }
  }

  @Test func itIsRemembered() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, Self.absent)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(0..<2))
      _ = try await pipeline.untilReplies(2)
      let uploads = provider.count(.upload)
      pipeline.push(messages(2..<6))
      let replies = try await pipeline.untilReplies(6)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.count(.upload) == uploads)
      #expect(provider.calls.count == 6)
    }
  }

  @Test func anotherProcessLearnsItAnew() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, Self.absent)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(0..<2))
      _ = try await pipeline.untilReplies(2)
      try await pipeline.restart()
      // It has been upgraded meanwhile.
      pipeline.push(messages(2..<4))
      _ = try await pipeline.untilReplies(4)
      #expect(provider.created.map(\.count) == [2])
      #expect(provider.calls.count == 2)
    }
  }

  @Test func afterADayItIsTriedAgain() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, Self.absent)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(messages(0..<1))
      _ = try await pipeline.untilReplies(1)
      pipeline.clock.advance(by: .seconds(86_401))
      pipeline.push(messages(1..<2))
      _ = try await pipeline.untilReplies(2)
      #expect(provider.created.count == 1)
    }
  }

  @Test func windowsThatWereOpenAreServedToo() async throws {
    let provider = ScriptedProvider()
    provider.fail(.create, Self.absent)
    try await Pipeline.run(provider, configure: { $0.configuration.deferredWindow.maximumRequests = 2 }) { pipeline in
      // More than one window, and one that is not full.
      pipeline.push(messages(0..<9))
      let replies = try await pipeline.untilReplies(9)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(Set(replies.map(\.correlation)).count == 9)
      #expect(provider.paid.count == 9)
    }
  }

  @Test(arguments: [nil, LaneChoice.deferred, .auto])
  func lanesWithoutBatches(wish: LaneChoice?) {
    let (lane, custody) = LaneChooser.choose(queue: .deferred, wish: wish, outlook: nil, hasBatches: false)
    #expect(lane == .interactive)
    #expect(custody == .ledger)
  }
}
