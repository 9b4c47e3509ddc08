import Testing
import Wire

@testable import AMQP

@Suite("Ack tracker", .timeLimit(.minutes(4)))
struct AckTrackerTests {
  private func tracker(_ count: UInt64, generation: UInt64 = 7) throws -> AckTracker {
    var tracker = AckTracker(generation: generation)
    for tag in 1...count { try tracker.delivered(tag: tag, size: 10) }
    return tracker
  }

  private func settlements(_ tags: [UInt64], _ verdict: Settlement.Verdict = .ack, generation: UInt64 = 7)
    -> [Settlement]
  {
    tags.map { Settlement(DeliveryToken(generation: generation, tag: $0), verdict) }
  }

  @Test func combinesARunFromTheOldest() throws {
    var tracker = try tracker(5)
    #expect(tracker.settle(settlements([3, 1, 2])).actions == [.ack(tag: 3, multiple: true)])
    #expect(tracker.outstanding == 2)
    #expect(tracker.outstandingBytes == 20)
  }

  @Test func knowsWhatIsOutstandingInARange() throws {
    #expect(AckTracker(generation: 1).latest == 0)
    #expect(!AckTracker(generation: 1).isOutstanding(in: 1...5))
    var tracker = try tracker(6)
    #expect(tracker.latest == 6)
    _ = tracker.settle(settlements([1, 2, 4]))
    #expect(!tracker.isOutstanding(in: 1...2) && tracker.isOutstanding(in: 1...3))
    #expect(!tracker.isOutstanding(in: 4...4) && tracker.isOutstanding(in: 4...5))
    _ = tracker.settle(settlements([3, 5, 6]))
    #expect(tracker.latest == 6 && !tracker.isOutstanding(in: 1...6))
  }

  @Test func doesNotReachOverAnOutstandingOne() throws {
    var tracker = try tracker(5)
    #expect(
      tracker.settle(settlements([1, 3, 4])).actions == [
        .ack(tag: 1, multiple: false), .ack(tag: 3, multiple: false), .ack(tag: 4, multiple: false),
      ])
    // 3 and 4 are settled already, so 2 and 5 are all that is left below 5.
    #expect(tracker.settle(settlements([2, 5])).actions == [.ack(tag: 5, multiple: true)])
    #expect(tracker.outstanding == 0)
  }

  @Test func theLastOfARunIsATagThatTheBrokerStillKnows() throws {
    var tracker = try tracker(3)
    _ = tracker.settle(settlements([3]))
    #expect(tracker.settle(settlements([1, 2])).actions == [.ack(tag: 2, multiple: true)])
  }

  @Test func nacksAreWrittenBeforeTheRunThatCoversThem() throws {
    var tracker = try tracker(4)
    let list = settlements([1]) + settlements([2], .discard) + settlements([3]) + settlements([4], .requeue)
    #expect(
      tracker.settle(list).actions == [
        .nack(tag: 2, requeue: false), .nack(tag: 4, requeue: true), .ack(tag: 3, multiple: true),
      ])
  }

  @Test func dropsStaleDoubleAndUnknown() throws {
    var tracker = try tracker(2)
    let first = tracker.settle(
      settlements([1, 1]) + settlements([2], generation: 6) + settlements([0, 3, .max]))
    #expect(first.actions == [.ack(tag: 1, multiple: false)])
    #expect(first.dropped == .init(stale: 1, double: 4))
    let second = tracker.settle(settlements([1], .requeue))
    #expect(second.actions.isEmpty)
    #expect(second.dropped == .init(stale: 0, double: 1))
    #expect(tracker.outstanding == 1)
  }

  @Test func refusesATagOutOfOrder() throws {
    var tracker = try tracker(2)
    #expect(throws: AMQPError.self) { try tracker.delivered(tag: 4, size: 1) }
    #expect(throws: AMQPError.self) { try tracker.delivered(tag: 2, size: 1) }
  }

  /// Plays random settlements against a model of the broker, which forgets a tag once it is settled.
  @Test(arguments: 0..<40)
  func neverSettlesAStrangerOrASettledTag(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    var tracker = AckTracker(generation: 1)
    var broker: Set<UInt64> = []
    var wanted: [UInt64: Settlement.Verdict] = [:]
    var open: [UInt64] = []
    var tag: UInt64 = 0
    for _ in 0..<300 {
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        tag += 1
        try tracker.delivered(tag: tag, size: 1)
        broker.insert(tag)
        open.append(tag)
      }
      open.shuffle(using: &random)
      let count = Int.random(in: 0...open.count, using: &random)
      var list: [Settlement] = []
      for tag in open.prefix(count) {
        let verdict: Settlement.Verdict = [.ack, .ack, .ack, .discard, .requeue].randomElement(using: &random)!
        wanted[tag] = verdict
        list.append(Settlement(DeliveryToken(generation: 1, tag: tag), verdict))
      }
      open.removeFirst(count)
      for action in tracker.settle(list).actions {
        switch action {
        case .ack(let tag, let multiple):
          #expect(broker.contains(tag))
          for settled in broker where multiple ? settled <= tag : settled == tag {
            #expect(wanted[settled] == .ack)
            broker.remove(settled)
          }
        case .nack(let tag, let requeue):
          #expect(broker.remove(tag) != nil)
          #expect(wanted[tag] == (requeue ? .requeue : .discard))
        }
      }
      #expect(broker == Set(open))
      #expect(tracker.outstanding == open.count)
    }
  }
}

struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
