import BatchCore
import Testing

private func at(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }

@Suite(.timeLimit(.minutes(4)))
struct HoldTests {
  private static let longest = Duration.seconds(3600)

  @Test func holdsExactlyAsLongAsItWasTold() {
    var hold = Hold()
    #expect(hold.ask(now: at(0)) == .go)
    hold.told(.milliseconds(1500), longest: Self.longest, now: at(0))
    #expect(hold.ask(now: Timestamp(milliseconds: 1499)) == .wait(until: Timestamp(milliseconds: 1500)))
    #expect(hold.ask(now: Timestamp(milliseconds: 1500)) == .go)
    #expect(hold.isFree)
  }

  @Test func theLaterEndHolds() {
    var hold = Hold()
    hold.told(.seconds(60), longest: Self.longest, now: at(0))
    // An answer that was on its way already.
    hold.told(.seconds(1), longest: Self.longest, now: at(1))
    #expect(hold.ask(now: at(59)) == .wait(until: at(60)))
  }

  @Test(arguments: [Duration.seconds(3601), .unreadableRetryAfter, .seconds(Int64.max)])
  func afterAPauseThatNobodyWaitsOutOneTries(pause: Duration) {
    var hold = Hold()
    hold.told(pause, longest: Self.longest, now: at(0))
    #expect(hold.isTooLong)
    #expect(hold.ask(now: at(3599)) == .wait(until: at(3600)))
    #expect(hold.ask(now: at(3600)) == .probe)
    #expect(hold.ask(now: at(3600)) == .wait(until: at(3601)))
    #expect(hold.pause(now: at(3600)) == at(3601))
    // It is told the same: one in the next hour.
    hold.told(pause, longest: Self.longest, now: at(3610))
    hold.probeEnded(.answered, toldPause: pause, longest: Self.longest, now: at(3610))
    #expect(hold.ask(now: at(7209)) == .wait(until: at(7210)))
    #expect(hold.ask(now: at(7210)) == .probe)
    hold.probeEnded(.answered, toldPause: nil, longest: Self.longest, now: at(7211))
    #expect(hold.ask(now: at(7211)) == .go)
    #expect(hold.isFree)
  }

  @Test func aProbeThatSaysNothingLeavesItHeld() {
    var hold = Hold()
    hold.told(.seconds(7200), longest: Self.longest, now: at(0))
    #expect(hold.ask(now: at(3600)) == .probe)
    hold.probeEnded(.notMade, toldPause: nil, longest: Self.longest, now: at(3601))
    #expect(hold.ask(now: at(3601)) == .probe)
    hold.probeEnded(.unanswered, toldPause: nil, longest: Self.longest, now: at(3602))
    #expect(hold.ask(now: at(3631)) == .wait(until: at(3632)))
    #expect(hold.ask(now: at(3632)) == .probe)
  }

  @Test func aProbeThatIsToldAPauseThatIsObeyedEndsTheException() {
    var hold = Hold()
    hold.told(.unreadableRetryAfter, longest: Self.longest, now: at(0))
    #expect(hold.ask(now: at(3600)) == .probe)
    hold.told(.seconds(5), longest: Self.longest, now: at(3601))
    hold.probeEnded(.answered, toldPause: .seconds(5), longest: Self.longest, now: at(3601))
    #expect(hold.ask(now: at(3605)) == .wait(until: at(3606)))
    #expect(hold.ask(now: at(3606)) == .go)
    #expect(hold.ask(now: at(3606)) == .go)
  }

  /// Whatever is told in whatever order: nothing goes before a told time, capped; and once all of them are over and no
  /// exception is left it goes at once.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func neverEarlyAndNeverForGood(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var hold = Hold()
    var now = Int64(0)
    var end = Int64(0)
    var probing = false
    for _ in 0..<400 {
      now += Int64.random(in: 0...400_000, using: &generator)
      let moment = Timestamp(milliseconds: now)
      switch Int.random(in: 0..<3, using: &generator) {
      case 0:
        let pause = Int64.random(in: 1...6_000_000, using: &generator)
        hold.told(.milliseconds(pause), longest: Self.longest, now: moment)
        end = max(end, now + min(pause, 3_600_000))
      case 1 where probing:
        hold.probeEnded(.answered, toldPause: nil, longest: Self.longest, now: moment)
        probing = false
      default:
        switch hold.ask(now: moment) {
        case .go: #expect(now >= end && !hold.isTooLong)
        case .probe:
          #expect(now >= end && !probing && hold.isTooLong)
          probing = true
        case .wait(let until):
          #expect(until > moment)
          #expect(now < end || probing)
        }
      }
    }
  }
}
