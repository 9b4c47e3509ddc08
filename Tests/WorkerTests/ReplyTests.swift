import BatchCore
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct ReplyTests {
  @Test func anUnroutableReplyIsKeptAsUnclaimed() async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.script { $0.exchange == "llm.results" ? .returned(code: 312, text: "NO_ROUTE") : .confirmed }
      pipeline.push(Message("a"), to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.exchange) == ["llm.results.unclaimed"])
      try await pipeline.untilSettled()
      #expect(pipeline.ledger.count(.undeliverable) == 0)
    }
  }

  @Test func aReplyThatNobodyKeepsIsUndeliverable() async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.script { message in
        message.routingKey == Array("a".utf8) ? .returned(code: 312, text: "NO_ROUTE") : .confirmed
      }
      pipeline.push(Message("a"), Message("b"), to: .interactive)
      try await pipeline.untilSettled()
      #expect(try pipeline.replies().map(\.correlation) == ["b"])
      #expect(pipeline.ledger.count(.undeliverable) == 1)
    }
  }

  @Test func aLostConfirmIsPublishedAgainUnderTheSameName() async throws {
    try await Pipeline.run { pipeline in
      let left = Locked(3)
      pipeline.sink.script { _ in
        left.withLock { left in
          left -= 1
          return left >= 0 ? .unknown : .confirmed
        }
      }
      pipeline.push(Message("a"), to: .interactive)
      _ = try await pipeline.untilReplies(1)
      try await pipeline.untilSettled()
      #expect(pipeline.sink.published.count == 4)
      #expect(Set(pipeline.sink.published.map(\.message.properties.messageID)).count == 1)
      #expect(pipeline.provider.paid.count == 1)
    }
  }

  @Test func repliesThatNobodyConfirmsHoldNoUrgentOneBack() async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.script { $0.routingKey.starts(with: Array("bulk".utf8)) ? .unknown : .confirmed }
      // Each is a chunk of its own, and there are more than may be under way.
      for number in 0..<6 {
        let name = "bulk\(number)"
        pipeline.push(Message(name))
        guard number < 4 else { continue }
        try await pipeline.until("the answer") {
          pipeline.sink.published.contains { $0.message.routingKey == Array(name.utf8) }
        }
      }
      pipeline.push(Message("a"), to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.correlation) == ["a"])
    }
  }

  @Test func aRefusedMessageBlocksNobody() async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.script { message in
        message.routingKey == Array("a".utf8) ? .rejected(code: 403, text: "ACCESS_REFUSED") : .confirmed
      }
      pipeline.push(Message("a"), Message("b"), Message("c"))
      let replies = try await pipeline.untilReplies(2)
      #expect(Set(replies.map(\.correlation)) == ["b", "c"])
      try await pipeline.until("the note") { pipeline.ledger.count(.undeliverable) == 1 }
      #expect(pipeline.sink.published.filter { $0.message.routingKey == Array("a".utf8) }.count == 1)
    }
  }

  /// A publisher may fill its own reply queue as often as it likes.
  @Test func fullQueuesHoldBackTheirOwnRepliesOnly() async throws {
    try await Pipeline.run { pipeline in
      let isFull = Locked(true)
      pipeline.sink.script { message in
        message.routingKey == Array("full".utf8) && isFull.withLock { $0 } ? .refused : .confirmed
      }
      // Each in a chunk of its own.
      for number in 0..<8 {
        pipeline.push(Message("stuck\(number)") { $0.replyTo = "full" }, to: .interactive)
        try await pipeline.until("its reply to be refused") {
          pipeline.sink.published.contains { $0.message.properties.correlationID == Array("stuck\(number)".utf8) }
        }
      }
      pipeline.push(Message("free"), to: .interactive)
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.map(\.correlation) == ["free"])
      try await pipeline.until("the free one to be acked") { pipeline.interactive.count(.ack) == 1 }
      #expect(pipeline.interactive.unsettled.count == 8)
      isFull.withLock { $0 = false }
      _ = try await pipeline.untilReplies(9)
      try await pipeline.untilSettled()
    }
  }

  /// A quorum queue that loses its leader refuses for some seconds. What there is no room for waits for the next one.
  @Test func repliesWaitForAnotherLeader() async throws {
    try await Pipeline.run { pipeline in
      let clock = pipeline.clock
      let since = Locked(Timestamp?.none)
      pipeline.sink.script { _ in
        let now = clock.monotonic()
        let start = since.withLock { since in
          since = since ?? now
          return since ?? now
        }
        return now - start < .seconds(8) ? .refused : .confirmed
      }
      // More than is kept aside.
      pipeline.push((0..<1600).map { Message("m\($0)") })
      let replies = try await pipeline.untilReplies(1600)
      #expect(replies.allSatisfy { $0.exchange == "llm.results" })
      try await pipeline.untilSettled()
    }
  }

  /// Somebody deleted the exchange, or took the right to write to it away: no reply is to blame, and none is given up.
  @Test(arguments: [
    PublishOutcome.rejected(code: 404, text: "NOT_FOUND - no exchange 'llm.results' in vhost '/'"),
    .rejected(code: 403, text: "ACCESS_REFUSED - access to exchange 'llm.results' in vhost '/' refused for user 'm'"),
    .rejected(
      code: 403, text: "ACCESS_REFUSED - write access to exchange 'llm.results' in vhost '/' refused for user 'm'"),
  ])
  func repliesWaitForTheirExchange(fault: PublishOutcome) async throws {
    try await Pipeline.run { pipeline in
      let isFaulty = Locked(true)
      pipeline.sink.script { $0.exchange == "llm.results" && isFaulty.withLock { $0 } ? fault : .confirmed }
      pipeline.push(Message("a"), Message("mine") { $0.replyTo = "mine" }, to: .interactive)
      try await pipeline.until("the report") { !pipeline.health.current.isEmpty }
      let reports = pipeline.health.current.map { "\($0.part.name): \($0.detail)" }
      #expect(reports.count == 1 && reports[0].contains("'llm.results'"), "\(reports)")
      // Replies that go another way do not wait.
      try await pipeline.until("the other reply") { pipeline.interactive.count(.ack) == 1 }
      let begin = pipeline.clock.monotonic()
      let tried = pipeline.sink.published.count
      try await pipeline.until("a minute to pass") { pipeline.clock.monotonic() - begin > .seconds(60) }
      #expect(pipeline.sink.published.count - tried <= 20, "it is tried in a hot loop")
      #expect(pipeline.ledger.count(.undeliverable) == 0)
      isFaulty.withLock { $0 = false }
      _ = try await pipeline.untilReplies(2)
      try await pipeline.untilSettled()
      #expect(pipeline.health.current.isEmpty)
    }
  }

  /// Each try closes a channel and takes back what others have under way, so chunks of replies take turns.
  @Test func chunksOfRepliesTryTheirExchangeInTurn() async throws {
    try await Pipeline.run { pipeline in
      let isFaulty = Locked(true)
      let tries = Locked([Timestamp]())
      let clock = pipeline.clock
      pipeline.sink.script {
        guard $0.exchange == "llm.results", isFaulty.withLock({ $0 }) else { return .confirmed }
        tries.withLock { tries in
          let now = clock.monotonic()
          if tries.last != now { tries.append(now) }
        }
        return .rejected(code: 404, text: "NOT_FOUND - no exchange 'llm.results' in vhost '/'")
      }
      // Each is a chunk of its own, since the one before waits.
      for number in 0..<4 {
        pipeline.push(Message("now\(number)"), to: .interactive)
        pipeline.push(Message("later\(number)"), to: .deferred)
        try await pipeline.until("the answers") { pipeline.provider.paid.count >= 2 * (number + 1) }
      }
      let begin = clock.monotonic()
      try await pipeline.until("a minute to pass") { clock.monotonic() - begin > .seconds(60) }
      let late = tries.withLock { $0.filter { $0 - begin > .seconds(10) } }
      #expect(late.count <= 30, "tried at \(late)")
      for (one, next) in zip(late, late.dropFirst()) { #expect(next - one >= .seconds(2)) }
      isFaulty.withLock { $0 = false }
      _ = try await pipeline.untilReplies(8)
      try await pipeline.untilSettled()
      #expect(pipeline.health.current.isEmpty)
    }
  }

  /// A topic permission refuses a routing key, and that is the message's own.
  @Test func aForbiddenTopicBlocksNobody() async throws {
    try await Pipeline.run { pipeline in
      let fault = PublishOutcome.rejected(
        code: 403,
        text: "ACCESS_REFUSED - access to topic 'a' in exchange 'llm.results' in vhost '/' refused for user 'm'")
      pipeline.sink.script { $0.routingKey == Array("a".utf8) ? fault : .confirmed }
      pipeline.push(Message("a"), Message("b"), to: .interactive)
      try await pipeline.untilSettled()
      #expect(try pipeline.replies().map(\.correlation) == ["b"])
      #expect(pipeline.ledger.count(.undeliverable) == 1)
    }
  }

  @Test func aReplyGoesWhereItIsWanted() async throws {
    try await Pipeline.run { pipeline in
      pipeline.push(Message("a") { $0.replyTo = "mine" }, Message("b") { $0.correlation = nil })
      _ = try await pipeline.untilReplies(2)
      let mine = pipeline.sink.confirmed.first { $0.exchange == "" }
      #expect(mine?.routingKey == Array("mine".utf8))
      #expect(mine?.properties.correlationID == Array("a".utf8))
      #expect(pipeline.sink.confirmed(to: "llm.results").map(\.routingKey) == [Array("message-b".utf8)])
    }
  }
}
