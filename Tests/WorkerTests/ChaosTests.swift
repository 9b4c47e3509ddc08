import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// Everything at once: faults of provider, broker and ledger, and processes that die, at seeded random moments.
@Suite(.serialized, .timeLimit(.minutes(4)))
struct ChaosTests {
  /// SplitMix64.
  private struct Dice: Sendable {
    var state: UInt64

    mutating func roll(_ sides: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((mixed ^ (mixed >> 31)) % UInt64(sides))
    }
  }

  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func nothingIsLostAndNoBatchIsPaidTwice(seed: UInt64) async throws {
    let provider = ScriptedProvider()
    let dice = Locked(Dice(state: seed))
    @Sendable func roll(_ sides: Int) -> Int { dice.withLock { $0.roll(sides) } }
    let isCalm = Locked(false)
    provider.onBatch { _, rows in
      if isCalm.withLock({ $0 }) { return BatchPlot() }
      switch roll(6) {
      case 0: return .failed("token_limit_exceeded")
      case 1: return rows.count > 1 ? .failed("invalid_json_line") : BatchPlot()
      default:
        let bad = roll(10)
        return BatchPlot {
          $0.end = roll(4) == 0 ? .expired : .completed
          $0.runningPolls = roll(3)
          $0.fileLag = roll(3)
          $0.row = { place, _ in (place + bad) % 7 == 0 ? .ended(.retryable(retryAfter: nil)) : .succeeded }
        }
      }
    }
    provider.onCall { _, call in
      if isCalm.withLock({ $0 }) { return ScriptedProvider.success(of: call) }
      switch roll(8) {
      case 0: return ScriptedProvider.failure(.rateLimited(retryAfter: nil), status: 429)
      case 1: return ScriptedProvider.failure(.retryable(retryAfter: nil))
      case 2: return ScriptedProvider.failure(.accountClosed(.billing), status: 429)
      default: return ScriptedProvider.success(of: call)
      }
    }
    try await Pipeline.run(
      provider,
      configure: {
        $0.configuration.maximumAttempts = 1000
        $0.configuration.deferredWindow.maximumRequests = 9
        $0.configuration.deferredWindow.idle = .seconds(5)
      }
    ) { pipeline in
      pipeline.sink.script { _ in
        if isCalm.withLock({ $0 }) { return .confirmed }
        switch roll(8) {
        case 0: return .unknown
        case 1: return .refused
        default: return .confirmed
        }
      }
      var expected: Set<String> = []
      for round in 0..<40 {
        for _ in 0..<roll(5) {
          let name = "\(seed)-\(round)-\(roll(40))"
          expected.insert(name)
          // The same name again is the same request.
          let message = Message(name) { $0.key = name }
          pipeline.push(message, to: roll(3) == 0 ? .interactive : .deferred)
        }
        switch roll(10) {
        case 0: try await pipeline.restart()
        case 1: pipeline.interactive.reconnect()
        case 2: pipeline.deferred.reconnect()
        case 3:
          provider.fail(.create, [.answerLost, .connectionLost, .unavailable, .notFound][roll(4)])
          // A list that lags behind.
          if provider.pendingFaults(.findBatches) == 0 { provider.fail(.findBatches, .answerLost) }
        case 4: provider.fail(.upload, [.answerLost, .unavailable][roll(2)])
        case 5: provider.fail(.retrieve, .unavailable)
        case 6: provider.fail(.results, .unavailable)
        case 7: pipeline.ledger.setUnavailable(Set(InterceptedLedger.Operation.allCases.filter { _ in roll(3) == 0 }))
        default: pipeline.ledger.setUnavailable([])
        }
        let end = pipeline.clock.monotonic() + .seconds(roll(30))
        try await pipeline.until("some time to pass") { pipeline.clock.monotonic() >= end }
      }
      pipeline.ledger.setUnavailable([])
      isCalm.withLock { $0 = true }
      try await pipeline.until("every request to be answered") {
        Set(try pipeline.replies().map(\.correlation)) == expected
      }
      try await pipeline.untilSettled()
      try await pipeline.until("the outbox to be empty") { pipeline.ledger.count(.delivered) > 0 }
      let replies = try pipeline.replies()
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(Set(replies.map { "\($0.correlation) \($0.messageID)" }).count == expected.count)
      let paid = Dictionary(grouping: provider.paid.filter { $0.customID != nil }) { $0.body }
      #expect(paid.allSatisfy { $0.value.count == 1 })
    }
  }
}
