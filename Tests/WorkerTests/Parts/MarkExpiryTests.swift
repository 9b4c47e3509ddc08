import BatchCore
import Ledger
import Testing

@testable import Worker

struct MarkExpiryTests {
  private static let marks = [AckMark(id: RequestID(1), generation: 7)]
  private static let start = Timestamp(milliseconds: 0)
  private static let late = start + MarkExpiry.pause * MarkExpiry.looks
  private static let tooEarly = late + .milliseconds(-1)

  /// The macro cannot change what it looks at.
  private static func expect(
    _ found: MarkExpiry.Step?, _ wanted: MarkExpiry.Step?, at location: SourceLocation = #_sourceLocation
  ) {
    #expect(found == wanted, sourceLocation: location)
  }

  /// A machine with a channel 7, that noted the marks at 0.
  private static func noted(_ marks: [AckMark] = marks) -> MarkExpiry {
    var expiry = MarkExpiry()
    expiry.arrived(on: 7, fresh: 1, redelivered: 0, at: start)
    expect(expiry.step(at: start), .read)
    expect(expiry.step(at: start), nil)
    expiry.found(marks)
    // All looks but the last.
    for look in 1..<MarkExpiry.looks {
      expiry.arrived(on: 7, fresh: 1, redelivered: 0, at: start + MarkExpiry.pause * look)
    }
    return expiry
  }

  @Test func nothingIsReadBeforeAnythingIsDelivered() {
    var expiry = MarkExpiry()
    Self.expect(expiry.step(at: Self.start), nil)
  }

  @Test func aFreshDeliveryAfterAWhileEndsWhatWasNoted() {
    var expiry = Self.noted()
    expiry.arrived(on: 7, fresh: 1, redelivered: 0, at: Self.tooEarly)
    Self.expect(expiry.step(at: Self.late), nil)
    expiry.arrived(on: 7, fresh: 1, redelivered: 0, at: Self.late)
    Self.expect(expiry.step(at: Self.late), .remove(Self.marks))
    // And the next round begins.
    Self.expect(expiry.step(at: Self.late), .read)
  }

  @Test func redeliveriesSayNothing() {
    var expiry = Self.noted()
    expiry.arrived(on: 7, fresh: 0, redelivered: 1, at: Self.late)
    expiry.taken(redelivered: 1)
    Self.expect(expiry.step(at: Self.late), nil)
  }

  /// One that came before the fresh one may belong to a mark, which it renews only when it is in the ledger.
  @Test func aFreshDeliveryBehindARedeliveryOnItsWaySaysNothing() {
    var expiry = Self.noted()
    expiry.arrived(on: 7, fresh: 1, redelivered: 1, at: Self.late)
    expiry.arrived(on: 7, fresh: 1, redelivered: 0, at: Self.late)
    Self.expect(expiry.step(at: Self.late), nil)
    expiry.taken(redelivered: 1)
    expiry.arrived(on: 7, fresh: 1, redelivered: 0, at: Self.late)
    Self.expect(expiry.step(at: Self.late), .remove(Self.marks))
  }

  @Test func anotherChannelBeginsAnew() {
    var expiry = Self.noted()
    expiry.arrived(on: 8, fresh: 1, redelivered: 0, at: Self.late)
    Self.expect(expiry.step(at: Self.late), .read)
    // The same while they are read.
    expiry.arrived(on: 9, fresh: 1, redelivered: 0, at: Self.late)
    expiry.found(Self.marks)
    Self.expect(expiry.step(at: Self.late), .read)
  }

  @Test func whatCannotBeReadIsReadAgainAndNothingIsLookedAtAgainLater() {
    var expiry = Self.noted([])
    Self.expect(expiry.step(at: Self.start + MarkExpiry.pause + .milliseconds(-1)), nil)
    Self.expect(expiry.step(at: Self.start + MarkExpiry.pause), .read)
    expiry.found(nil)
    Self.expect(expiry.step(at: Self.late), .read)
  }

  /// Against a broker that loses acks and channels at random: no mark ends whose message may still come.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func noMarkEndsWhoseMessageMayStillCome(seed: UInt64) {
    var world = MarkedQueue(seed: seed)
    for _ in 0..<6000 { world.move() }
    #expect(world.wrong == [])
    #expect(world.removed > 0)
  }
}
