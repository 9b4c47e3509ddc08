import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct DrainTests {
  @Test func anIdleWorkerEndsAtOnce() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a"), to: .interactive)
      _ = try await pipeline.untilReplies(1)
      try await pipeline.untilSettled()
      let took = try await pipeline.drain()
      #expect(took < .seconds(5))
    }
  }

  @Test func callsInFlightEndAndAreAnswered() async throws {
    try await Pipeline.run { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("a"), Message("b"), to: .interactive)
      try await eventually("the calls") { pipeline.provider.callGate.held == 2 }
      let took = try await pipeline.drain { pipeline.provider.callGate.open() }
      #expect(took <= .seconds(25))
      #expect(pipeline.interactive.count(.ack) == 2)
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  @Test func windowsCloseAndAreSubmitted() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a"), Message("b"))
      try await eventually("the acks") { pipeline.deferred.count(.ack) == 2 }
      let took = try await pipeline.drain()
      #expect(took <= .seconds(25))
      #expect(pipeline.provider.created.map(\.count) == [2])
      try await pipeline.restart()
      _ = try await pipeline.untilReplies(2)
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  /// Whatever hangs: the limit holds, nothing is acked that was not answered, and nothing is lost.
  @Test func aHangingWorldDoesNotKeepItFromEnding() async throws {
    try await Pipeline.run { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.provider.uploadGate.shut()
      pipeline.push(Message("waiting"), to: .interactive)
      pipeline.push(Message("uploading"))
      try await pipeline.until("the hang") {
        pipeline.provider.callGate.held == 1 && pipeline.provider.uploadGate.held == 1
      }
      pipeline.sink.gate.shut()
      pipeline.push(Message("unconfirmed") { $0.body = "{" }, to: .interactive)
      try await eventually("the publish") { pipeline.sink.gate.held == 1 }
      let took = try await pipeline.drain()
      #expect(took <= .seconds(25))
      #expect(pipeline.interactive.settlements.isEmpty)
      pipeline.provider.callGate.open()
      pipeline.provider.uploadGate.open()
      pipeline.sink.gate.open()
      try await pipeline.restart()
      try await pipeline.until("all replies") {
        Set(try pipeline.replies().map(\.correlation)) == ["waiting", "uploading", "unconfirmed"]
      }
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  @Test func aLedgerOutOfReachDoesNotKeepItFromEnding() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable(Set(InterceptedLedger.Operation.allCases))
      pipeline.push(Message("a"), to: .interactive)
      pipeline.push(Message("b"))
      try await pipeline.until("some tries") { pipeline.ledger.count(.admit) >= 4 }
      let took = try await pipeline.drain()
      #expect(took <= .seconds(25))
      #expect(pipeline.interactive.settlements.isEmpty && pipeline.deferred.settlements.isEmpty)
      try await pipeline.restart()
      _ = try await pipeline.untilReplies(2)
    }
  }

  @Test func noTimeToDrainIsEnoughToEnd() async throws {
    try await Pipeline.run(configure: { $0.configuration.drainTimeout = .zero }) { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("a"), to: .interactive)
      try await eventually("the call") { pipeline.provider.callGate.held == 1 }
      _ = try await pipeline.drain()
      #expect(pipeline.interactive.settlements.isEmpty)
    }
  }
}
