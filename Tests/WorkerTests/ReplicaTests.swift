import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// Two workers on one ledger: what one leaves the other takes over.
@Suite(.timeLimit(.minutes(4)), .serialized)
struct ReplicaTests {
  // MARK: Batches and replies of one that is gone

  @Test func aBatchOfOneThatIsGoneIsHarvestedByTheOther() async throws {
    let provider = ScriptedProvider()
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 20 } }
    try await Replicas.run(provider) { replicas in
      replicas.first.push(Message("a"), Message("b"))
      try await replicas.until("a poll") { provider.count(.retrieve) > 1 }
      try await replicas.kill(replicas.first)
      try await replicas.until("the replies") { try replicas.second.replies().count == 2 }
      #expect(provider.created.count == 1 && provider.paid.count == 2)
      #expect(try replicas.first.replies().isEmpty)
    }
  }

  @Test func rowsOfAWindowThatIsGoneAreSentByTheOther() async throws {
    try await Replicas.run(configure: { $0.configuration.deferredWindow.idle = .seconds(50) }) { replicas in
      replicas.first.push(Message("a"), Message("b"))
      try await eventually("custody") { replicas.first.deferred.count(.ack) == 2 }
      try await replicas.kill(replicas.first)
      try await replicas.until("the replies") { try replicas.second.replies().count == 2 }
      #expect(replicas.provider.created.map(\.count) == [2])
    }
  }

  @Test func repliesThatWereNotConfirmedArePublishedByTheOther() async throws {
    try await Replicas.run { replicas in
      replicas.first.sink.gate.shut()
      replicas.first.push(Message("a"), Message("b"))
      try await replicas.until("the publish") { replicas.first.sink.gate.held > 0 }
      let killing = replicas.first
      // A publish that is on its way does not end with its task.
      killing.sink.script { _ in .unknown }
      killing.sink.gate.open()
      try await replicas.kill(killing)
      try await replicas.until("the replies") { try replicas.second.replies().count == 2 }
      #expect(replicas.provider.paid.count == 2)
    }
  }

  @Test func aParkedCallOfOneThatIsGoneIsMadeByTheOther() async throws {
    try await Replicas.run { replicas in
      let provider = replicas.provider
      provider.callGate.shut()
      // The other must not find it before it is claimed here.
      let claims = replicas.second.ledger.gate(before: .takeParked)
      claims.shut()
      // From the deferred queue, so that the ledger has its custody.
      replicas.first.push(Message("a") { $0.lane = "interactive" })
      try await replicas.until("the call") { provider.callGate.held == 1 }
      claims.open()
      try await replicas.kill(replicas.first)
      #expect(provider.calls.count == 1)
      provider.callGate.open()
      try await replicas.until("the reply") { try replicas.second.replies().count == 1 }
      #expect(provider.calls.count == 2)
      // The first may have been paid for, so it counts.
      #expect(try replicas.second.replies().first?.summary.attempts == 2)
    }
  }

  // MARK: Deliveries that are attached to a call of another

  /// Two deliveries of one request, one at each replica; the first calls.
  private func attach(_ replicas: Replicas) async throws {
    replicas.provider.callGate.shut()
    replicas.first.push([Message("a")], to: .interactive)
    try await eventually("the call") { replicas.provider.callGate.held == 1 }
    replicas.second.push([Message("a")], to: .interactive)
    try await eventually("the other delivery") { replicas.second.ledger.count(.admit) == 1 }
    try await replicas.second.quiet()
    #expect(replicas.provider.calls.count == 1 && replicas.second.interactive.settlements.isEmpty)
  }

  @Test func aDeliveryIsAckedWhenTheOtherHasAnswered() async throws {
    try await Replicas.run { replicas in
      try await attach(replicas)
      // Not before the reply is confirmed.
      replicas.first.sink.gate.shut()
      replicas.provider.callGate.open()
      try await replicas.until("the publish") { replicas.first.sink.gate.held == 1 }
      let looks = replicas.second.ledger.count(.progress)
      try await replicas.until("some looks") { replicas.second.ledger.count(.progress) > looks + 2 }
      #expect(replicas.second.interactive.settlements.isEmpty)
      replicas.first.sink.gate.open()
      try await replicas.until("the acks") {
        replicas.first.interactive.count(.ack) == 1 && replicas.second.interactive.count(.ack) == 1
      }
      #expect(replicas.provider.calls.count == 1)
      #expect(try replicas.replies().map(\.correlation) == ["a"])
    }
  }

  @Test func aDeliveryBringsTheCallBackWhenTheOtherIsGone() async throws {
    try await Replicas.run { replicas in
      try await attach(replicas)
      try await replicas.kill(replicas.first)
      replicas.provider.callGate.open()
      try await replicas.until("the ack") { replicas.second.interactive.count(.ack) == 1 }
      #expect(replicas.provider.calls.count == 2)
      let replies = try replicas.second.replies()
      #expect(replies.map(\.correlation) == ["a"] && replies.first?.summary.attempts == 2)
    }
  }

  @Test func aDeliveryIsAckedWhenTheLedgerHasItsCustody() async throws {
    let provider = ScriptedProvider()
    provider.onCall { number, call in
      number == 0
        ? ScriptedProvider.failure(.rateLimited(retryAfter: .seconds(3000))) : ScriptedProvider.success(of: call)
    }
    try await Replicas.run(provider, configure: { $0.configuration.interactiveHold = .seconds(30) }) { replicas in
      try await attach(replicas)
      replicas.provider.callGate.open()
      try await replicas.until("the acks") {
        replicas.first.interactive.count(.ack) == 1 && replicas.second.interactive.count(.ack) == 1
      }
      #expect(provider.calls.count == 1 && replicas.first.ledger.count(.park) == 1)
      #expect(try replicas.replies().isEmpty)
    }
  }

  // MARK: Windows

  @Test func twoFillOneWindow() async throws {
    try await Replicas.run(configure: {
      $0.configuration.deferredWindow.idle = .seconds(590)
      $0.configuration.deferredWindow.maximumRequests = 6
    }) { replicas in
      let began = replicas.clock.monotonic()
      replicas.first.push((0..<3).map { Message("a\($0)") })
      try await eventually("the first window") { replicas.first.ledger.count(.runWindows) == 1 }
      try await replicas.first.quiet()
      replicas.second.push((0..<3).map { Message("b\($0)") })
      try await replicas.until("the batch") { !replicas.provider.created.isEmpty }
      // It was full: no sweep was needed to find what the other had accepted.
      #expect(replicas.clock.monotonic() - began < .seconds(10))
      #expect(replicas.provider.created.map(\.count) == [6])
      #expect((1...3).contains(replicas.second.ledger.count(.offer)) && replicas.second.ledger.count(.plan) == 0)
      try await replicas.until("the replies") { try replicas.first.replies().count == 6 }
    }
  }

  @Test func theWindowOfOneThatDrainsPassesToTheOther() async throws {
    try await Replicas.run(configure: { $0.configuration.deferredWindow.idle = .seconds(100) }) { replicas in
      replicas.first.push(Message("a"))
      try await eventually("the first window") { replicas.first.ledger.count(.runWindows) == 1 }
      try await replicas.first.quiet()
      replicas.second.push(Message("b"))
      try await eventually("the offer") { replicas.second.ledger.count(.offer) == 1 }
      try await replicas.second.quiet()
      // What was offered is taken along.
      _ = try await replicas.first.drain()
      await replicas.first.ledger.close()
      #expect(replicas.provider.created.map(\.count) == [2])
      replicas.second.push(Message("c"))
      try await replicas.until("the replies") { try replicas.replies().count == 3 }
      #expect(replicas.provider.created.map(\.count) == [2, 1])
      #expect(replicas.provider.paid.count == 3)
    }
  }
}
