import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct IdentityTests {
  @Test(arguments: [Lane.interactive, .deferred])
  func oneKeyIsOneCallWithAReplyForEachSubscriber(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      let messages = ["a", "b"].map { name in
        Message(name) {
          $0.key = "key"
          $0.text = "the same"
        }
      }
      pipeline.push(messages, to: lane)
      let replies = try await pipeline.untilReplies(2)
      #expect(Set(replies.map(\.correlation)) == ["a", "b"])
      #expect(Set(replies.map(\.messageID)).count == 2)
      #expect(pipeline.provider.paid.count == 1)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      try await pipeline.untilSettled()
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func theSameSubscriberGetsTheSameReplyAgain(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a") { $0.key = "key" }, to: lane)
      _ = try await pipeline.untilReplies(1)
      try await pipeline.untilSettled()
      pipeline.push(Message("a") { $0.key = "key" }, to: lane)
      let replies = try await pipeline.untilReplies(2)
      #expect(Set(replies.map(\.messageID)).count == 1)
      #expect(pipeline.provider.paid.count == 1)
      try await pipeline.untilSettled()
    }
  }

  @Test func anotherBodyUnderAKeyIsAConflict() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a") { $0.key = "key" }, to: .interactive)
      _ = try await pipeline.untilReplies(1)
      pipeline.push(
        Message("b") {
          $0.key = "key"
          $0.text = "other"
        }, to: .interactive)
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.last?.code == "idempotency_conflict")
      try await pipeline.untilSettled()
      // A conflict is no poison: nothing would be gained by keeping it.
      #expect(pipeline.interactive.count(.ack) == 2)
    }
  }

  @Test func equalMessagesWithoutANameAreTwoRequests() async throws {
    try await Pipeline.run { pipeline in
      let message = Message("a") { $0.messageID = nil }
      pipeline.push(message, message)
      _ = try await pipeline.untilReplies(2)
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  /// An ack that was written may not have been processed: then the message comes again and is the same request.
  @Test func anUncertainAckAbsorbsItsRedelivery() async throws {
    try await Pipeline.run { pipeline in
      pipeline.deferred.setBarrier(false)
      pipeline.push(Message("a") { $0.messageID = nil })
      try await pipeline.until("the barrier") { pipeline.deferred.barriers == 1 }
      #expect(pipeline.ledger.count(.acknowledged) == 0)
      var again = Message("a") { $0.messageID = nil }.delivery
      again.redelivered = true
      pipeline.deferred.reconnect()
      pipeline.deferred.push([again])
      _ = try await pipeline.untilReplies(1)
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.count == 1)
    }
  }

  @Test(arguments: [Lane.interactive, .deferred])
  func aProcessedAckAbsorbsNothing(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      let source = lane == .interactive ? pipeline.interactive : pipeline.deferred
      pipeline.push(Message("a") { $0.messageID = nil }, to: lane)
      try await pipeline.untilSettled()
      try await pipeline.until("the ack to be known as processed") { pipeline.ledger.count(.acknowledged) == 1 }
      var again = Message("a") { $0.messageID = nil }.delivery
      again.redelivered = true
      source.reconnect()
      source.push([again])
      let replies = try await pipeline.untilReplies(2)
      #expect(pipeline.provider.paid.count == 2)
      #expect(Set(replies.map(\.messageID)).count == 2)
    }
  }

  /// A mark whose message the broker no longer has would take an equal one, however late, for it.
  @Test(arguments: [Lane.interactive, .deferred])
  func aMarkEndsOnceNothingCanComeForIt(lane: Lane) async throws {
    try await Pipeline.run { pipeline in
      let source = lane == .interactive ? pipeline.interactive : pipeline.deferred
      source.setBarrier(false)
      pipeline.push(Message("a") { $0.messageID = nil }, to: lane)
      _ = try await pipeline.untilReplies(1)
      try await pipeline.untilSettled()
      try await pipeline.until("the marks to be noted") { pipeline.ledger.count(.marks) > 0 }
      for look in 1...MarkExpiry.looks {
        #expect(pipeline.ledger.count(.removeMarks) == 0)
        let begin = pipeline.clock.monotonic()
        try await pipeline.until("a pause") { pipeline.clock.monotonic() - begin > MarkExpiry.pause }
        pipeline.push(Message("fresh \(look)"), to: lane)
        _ = try await pipeline.untilReplies(1 + look)
      }
      try await pipeline.until("the mark to end") { pipeline.ledger.count(.removeMarks) == 1 }
      var again = Message("a") { $0.messageID = nil }.delivery
      again.redelivered = true
      source.reconnect()
      source.push([again])
      let replies = try await pipeline.untilReplies(2 + MarkExpiry.looks)
      #expect(pipeline.provider.paid.count == replies.count)
      #expect(Set(replies.map(\.messageID)).count == replies.count)
    }
  }

  @Test func aSilentChannelKeepsNoneOfTheOtherLanesRowsMarked() async throws {
    try await Pipeline.run { pipeline in
      pipeline.interactive.barrierGate.shut()
      pipeline.push(Message("a") { $0.messageID = nil }, to: .interactive)
      try await pipeline.until("a barrier without an answer") { pipeline.interactive.barrierGate.held == 1 }
      for count in 1...3 {
        pipeline.push(Message("b\(count)") { $0.messageID = nil }, to: .deferred)
        try await pipeline.until("the ack to be known as processed") {
          pipeline.ledger.count(.acknowledged) == count
        }
      }
      pipeline.interactive.barrierGate.open()
      try await pipeline.until("the other") { pipeline.ledger.count(.acknowledged) == 4 }
      #expect(pipeline.interactive.barriers == 1)
    }
  }

  @Test func theNextBarrierDoesNotWaitForTheLedger() async throws {
    try await Pipeline.run { pipeline in
      let gate = pipeline.ledger.gate(before: .acknowledged)
      gate.shut()
      for count in 1...3 {
        pipeline.push(Message("m\(count)") { $0.messageID = nil })
        try await pipeline.until("a barrier") { pipeline.deferred.barriers == count }
      }
      gate.open()
      try await pipeline.until("all to be noted") { pipeline.ledger.count(.acknowledged) == 3 }
    }
  }

  /// What was acked is known as processed before the process ends: the next one need not ask whether it was.
  @Test func aDrainWaitsForBarriers() async throws {
    try await Pipeline.run { pipeline in
      pipeline.deferred.barrierGate.shut()
      pipeline.push(Message("a") { $0.messageID = nil })
      _ = try await pipeline.untilReplies(1)
      try await pipeline.until("a barrier without an answer") { pipeline.deferred.barrierGate.held == 1 }
      _ = try await pipeline.drain { pipeline.deferred.barrierGate.open() }
      #expect(pipeline.ledger.count(.acknowledged) == 1)
    }
  }

  /// The reply may be on its way, and confirmed, before its delivery is held.
  @Test(arguments: [false, true])
  func aReplyThatIsFasterThanItsDeliveryIsHeldSettlesIt(isPoison: Bool) async throws {
    try await Pipeline.run { pipeline in
      let message = Message("a") {
        $0.key = "key"
        if isPoison { $0.model = "unknown" }
      }
      if !isPoison {
        pipeline.push(message, to: .interactive)
        _ = try await pipeline.untilReplies(1)
      }
      // Its reply will wake the outbox.
      pipeline.provider.callGate.shut()
      pipeline.push(Message("other"), to: .interactive)
      try await eventually("a call") { pipeline.provider.callGate.held == 1 }
      let gate = pipeline.ledger.gate(after: .admit)
      gate.shut()
      pipeline.push(message, to: .interactive)
      try await eventually("the commit") { gate.held == 1 }
      pipeline.provider.callGate.open()
      let replies = try await pipeline.untilReplies(isPoison ? 2 : 3)
      #expect(replies.filter { $0.correlation == "a" }.count == (isPoison ? 1 : 2))
      try await pipeline.until("the deliveries to be noted") { pipeline.ledger.count(.delivered) >= 1 }
      try await pipeline.quiet()
      #expect(pipeline.interactive.unsettled.count == 1)
      gate.open()
      try await pipeline.untilSettled()
      #expect(pipeline.interactive.settlements.last?.verdict == (isPoison ? .discard : .ack))
    }
  }
}
