import BatchCore
import Testing

@testable import Worker

/// Who consumes when a ledger is shared with nobody, decided on what is seen.
struct SoleConsumerTests {
  private let start = Timestamp(milliseconds: 1_000_000)

  private func look(_ consumers: Int, own: Int = 0, connection: UInt64 = 0) -> SoleConsumer.Look {
    SoleConsumer.Look(queue: "q", consumers: consumers, own: own, connection: connection)
  }

  private func rule() -> SoleConsumer { SoleConsumer(heartbeat: .seconds(10)) }

  /// The macro cannot change what it looks at.
  private func expect(
    _ found: SoleConsumer.Decision, _ wanted: SoleConsumer.Decision, at location: SourceLocation = #_sourceLocation
  ) {
    #expect(found == wanted, sourceLocation: location)
  }

  @Test func consumesWhenNobodyElseDoes() {
    var rule = rule()
    expect(rule.decide([look(0), look(0)], at: start, random: 0), .consume)
    expect(rule.decide([look(1, own: 1), look(1, own: 1)], at: start + .seconds(2), random: 0), .stay)
  }

  @Test func staysOutOfAQueueThatIsConsumed() {
    var rule = rule()
    for second in 0..<100 {
      guard case .leave(let reason) = rule.decide([look(0), look(2)], at: start + .seconds(second), random: 0) else {
        Issue.record("it went in at \(second) s")
        return
      }
      #expect(reason.contains("'q'") && reason.contains("2 other consumers"))
    }
    expect(rule.decide([look(0), look(0)], at: start + .seconds(100), random: 0), .consume)
  }

  @Test func nothingIsDecidedWithoutASight() {
    var rule = rule()
    expect(rule.decide([look(0), nil], at: start, random: 0), .stay)
    expect(rule.decide([look(0), look(0)], at: start, random: 0), .consume)
    expect(rule.decide([nil, look(5)], at: start, random: 0), .stay)
  }

  @Test func oneSightOfAnotherIsNotEnoughToLeave() {
    var rule = rule()
    expect(rule.decide([look(0)], at: start, random: 0), .consume)
    expect(rule.decide([look(2, own: 1)], at: start + .seconds(2), random: 0), .stay)
    expect(rule.decide([look(1, own: 1)], at: start + .seconds(4), random: 0), .stay)
    expect(rule.decide([look(2, own: 1)], at: start + .seconds(6), random: 0), .stay)
    guard case .leave = rule.decide([look(2, own: 1)], at: start + .seconds(8), random: 5000) else {
      Issue.record("it shares the queue")
      return
    }
    // It comes back when chance says so, and not before.
    expect(rule.decide([look(0)], at: start + .seconds(12), random: 0), .stay)
    expect(rule.decide([look(0)], at: start + .seconds(13), random: 0), .consume)
  }

  @Test func itsOwnFormerConnectionIsNoOther() {
    var rule = rule()
    expect(rule.decide([look(0)], at: start, random: 0), .consume)
    for second in stride(from: 2, to: 30, by: 2) {
      let seen = rule.decide([look(2, own: 1, connection: 1)], at: start + .seconds(second), random: 0)
      #expect(seen == .stay, "after \(second) s")
    }
    // The broker has dropped a connection that is silent by now: this is somebody else.
    expect(rule.decide([look(2, own: 1, connection: 1)], at: start + .seconds(35), random: 0), .stay)
    guard case .leave = rule.decide([look(2, own: 1, connection: 1)], at: start + .seconds(37), random: 0) else {
      Issue.record("it shares the queue")
      return
    }
  }

  /// Services that start at any moments, look as often as they do, and end: it is never two for long, and never none.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func oneOfSeveralConsumes(seed: UInt64) {
    struct Service {
      var rule = SoleConsumer(heartbeat: .seconds(10))
      var nextLook: Int
      var consumes = false
    }
    var chance = SeededChance(seed)
    // In milliseconds; half of the time they start together.
    var services = (0..<3).map { _ in
      Service(nextLook: seed.isMultiple(of: 2) ? 0 : Int.random(in: 0..<5000, using: &chance))
    }
    var togetherSince: Int?
    var nobodySince: Int? = 0
    var hasEnded = false
    while let now = services.map(\.nextLook).min(), now < 240_000 {
      // The one that consumes ends in mid-time; the others go on.
      if now > 120_000, !hasEnded, let index = services.firstIndex(where: \.consumes) {
        services.remove(at: index)
        hasEnded = true
        continue
      }
      // What is seen was so when the broker answered: who comes in at the same moment is not.
      let before = services.count { $0.consumes }
      for index in services.indices where services[index].nextLook <= now {
        let own = services[index].consumes ? 1 : 0
        let sight = SoleConsumer.Look(queue: "q", consumers: before, own: own, connection: 0)
        switch services[index].rule.decide(
          [sight], at: start + .milliseconds(Int64(now)), random: chance.next())
        {
        case .consume: services[index].consumes = true
        case .leave: services[index].consumes = false
        case .stay: break
        }
        services[index].nextLook = now + Int.random(in: 1500...2000, using: &chance)
      }
      let consuming = services.count { $0.consumes }
      togetherSince = consuming > 1 ? togetherSince ?? now : nil
      nobodySince = consuming == 0 ? nobodySince ?? now : nil
      #expect(now - (togetherSince ?? now) < 6000, "several consume at \(now) ms")
      #expect(now - (nobodySince ?? now) < 30_000, "nobody consumes at \(now) ms")
    }
    #expect(hasEnded && services.count { $0.consumes } == 1)
  }
}

/// Chance that can be had again.
private struct SeededChance: RandomNumberGenerator {
  private var state: UInt64

  init(_ seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
