import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct ReplyPartsTests {
  private static func message(_ exchange: String = "results", bytes: Int = 1) -> OutboundMessage {
    OutboundMessage(
      exchange: exchange, routingKey: [], properties: MessageProperties(), body: Array(repeating: 0, count: bytes))
  }

  private static func row(_ id: Int64, _ messages: OutboundMessage...) -> OutboxRow {
    OutboxRow(TakenReply(RequestID(id), at: id), messages: messages)
  }

  // MARK: A row of the outbox

  private static func apply(
    _ outcomes: PublishOutcome..., to row: inout OutboxRow, _ tally: inout [String: Int]
  ) -> Bool {
    row.apply(outcomes, at: Timestamp(milliseconds: 0), unclaimed: "unclaimed", &tally)
  }

  @Test func aRowEndsWhenAllIsConfirmed() {
    var row = Self.row(1, Self.message(), Self.message("letters"))
    var tally: [String: Int] = [:]
    let waits1 = Self.apply(.confirmed, .unknown, to: &row, &tally)
    #expect(waits1)
    #expect(row.open.map(\.exchange) == ["letters"])
    let waits2 = Self.apply(.confirmed, to: &row, &tally)
    #expect(!waits2)
    #expect(row.open.isEmpty && row.complaint == nil)
    #expect(tally["confirmed"] == 2 && tally["again"] == 1)
  }

  @Test func whatHasNoOutcomeIsUnknown() {
    var row = Self.row(1, Self.message(), Self.message())
    var tally: [String: Int] = [:]
    let waits3 = Self.apply(to: &row, &tally)
    #expect(waits3)
    #expect(row.open.count == 2)
  }

  @Test func whatIsReturnedGoesElsewhereOnce() {
    var row = Self.row(1, Self.message())
    var tally: [String: Int] = [:]
    let waits4 = Self.apply(.returned(code: 312, text: ""), to: &row, &tally)
    #expect(!waits4)
    #expect(row.open.map(\.exchange) == ["unclaimed"])
    let waits5 = Self.apply(.returned(code: 312, text: ""), to: &row, &tally)
    #expect(!waits5)
    #expect(row.open.isEmpty && row.complaint != nil)
  }

  @Test func refusalsInARowAreCounted() {
    var row = Self.row(1, Self.message())
    var tally: [String: Int] = [:]
    for count in 1...3 {
      _ = Self.apply(.refused, to: &row, &tally)
      #expect(row.refusals == count)
    }
    _ = Self.apply(.unknown, to: &row, &tally)
    #expect(row.refusals == 0)
  }

  // MARK: Refused replies

  @Test func refusedRepliesAreBounded() {
    let refused = RefusedReplies(time: TestClock(), unclaimed: "unclaimed")
    let beyond = refused.add((0..<2000).map { Self.row($0, Self.message()) })
    #expect(beyond.map(\.reply.request.rawValue) == Array(1024..<2000))
    let large = RefusedReplies(time: TestClock(), unclaimed: "unclaimed")
    #expect(large.add([Self.row(1, Self.message(bytes: 16 << 20)), Self.row(2, Self.message())]).count == 1)
  }

  @Test func refusedRepliesAreTriedAgainLater() async throws {
    let clock = TestClock()
    let refused = RefusedReplies(time: clock, unclaimed: "unclaimed")
    let tries = Mailbox<[Int64]>()
    let task = Task {
      await refused.run { rows in
        tries.send(rows.map(\.reply.request.rawValue))
        return rows.filter { $0.reply.request.rawValue == 1 }
      }
    }
    _ = refused.add([Self.row(1, Self.message()), Self.row(2, Self.message())])
    try await clock.awaitSleepers(1)
    clock.advance(by: .seconds(1))
    #expect(await tries.next() == [[1, 2]])
    _ = refused.add([Self.row(3, Self.message())])
    try await clock.awaitSleepers(1)
    clock.advance(by: .seconds(2))
    #expect(await tries.next() == [[1, 3]])
    refused.close()
    await task.value
  }

  // MARK: Held deliveries

  private static func held(_ id: Int64, tag: UInt64 = 1) -> HeldDeliveries.Held {
    HeldDeliveries.Held(
      id: RequestID(id), source: FakeDeliverySource(lane: .interactive),
      token: DeliveryToken(generation: 1, tag: tag), isFingerprint: false, poison: nil)
  }

  @Test func aReleaseGivesUpAllDeliveriesOfARequest() {
    let deliveries = HeldDeliveries()
    let admission = deliveries.begin()
    #expect(deliveries.hold(Self.held(1, tag: 1), in: admission))
    #expect(deliveries.hold(Self.held(1, tag: 2), in: admission))
    #expect(deliveries.hold(Self.held(2), in: admission))
    deliveries.end(admission)
    #expect(deliveries.release([RequestID(1), RequestID(3)]).map(\.token.tag) == [1, 2])
    #expect(deliveries.release([RequestID(1)]).isEmpty)
    #expect(deliveries.count == 1)
  }

  @Test func whoComesAfterTheReleaseIsTurnedAway() {
    let deliveries = HeldDeliveries()
    let early = deliveries.begin()
    #expect(deliveries.release([RequestID(1)]).isEmpty)
    let late = deliveries.begin()
    #expect(!deliveries.hold(Self.held(1), in: early))
    // Admitted after the release: another reply is on its way for it.
    #expect(deliveries.hold(Self.held(1), in: late))
    deliveries.end(early)
    deliveries.end(late)
  }

  @Test func aReleaseIsForgottenWithTheAdmissionsThatItCouldConcern() {
    let deliveries = HeldDeliveries()
    let first = deliveries.begin()
    _ = deliveries.release([RequestID(1)])
    let second = deliveries.begin()
    _ = deliveries.release([RequestID(2)])
    deliveries.end(first)
    // Still turned away: its admission goes on.
    #expect(!deliveries.hold(Self.held(2), in: second))
    #expect(deliveries.hold(Self.held(1), in: second))
    deliveries.end(second)
    #expect(deliveries.remembered == 0)
  }
}
