import BatchCore
import Testing

struct ReservedShareTests {
  private static func run(_ share: inout ReservedShare, _ count: Int, interactive: Int64?, deferred: Int64?)
    -> [CallClass]
  {
    (0..<count).compactMap { _ in
      let next = share.next(interactive: interactive, deferred: deferred)
      if let next { share.charge(next, (next == .interactive ? interactive : deferred) ?? 0) }
      return next
    }
  }

  @Test func whoIsAloneGetsEverything() {
    var share = ReservedShare()
    #expect(Self.run(&share, 100, interactive: nil, deferred: 5).allSatisfy { $0 == .deferred })
    #expect(Self.run(&share, 100, interactive: 5, deferred: nil).allSatisfy { $0 == .interactive })
    #expect(share.next(interactive: nil, deferred: nil) == nil)
  }

  @Test(arguments: [(1, 1), (100, 700), (5000, 100)] as [(Int64, Int64)])
  func nineToOneWhereBothWait(interactive: Int64, deferred: Int64) {
    var share = ReservedShare()
    let classes = Self.run(&share, 20_000, interactive: interactive, deferred: deferred)
    let cost = { (callClass: CallClass) in
      Int64(classes.count { $0 == callClass }) * (callClass == .interactive ? interactive : deferred)
    }
    let ratio = Double(cost(.interactive)) / Double(cost(.deferred))
    #expect(abs(ratio - 9) < 0.2)
  }

  /// What deferred work borrowed is given back with the next places, and no more than that.
  @Test func whatWasBorrowedIsGivenBackAtOnce() {
    var share = ReservedShare()
    _ = Self.run(&share, 1000, interactive: nil, deferred: 1)
    let after = Self.run(&share, 20, interactive: 1, deferred: 1)
    #expect(after.prefix(8).allSatisfy { $0 == .interactive })
    #expect((1...3).contains(after.count { $0 == .deferred }))
  }

  @Test func interactiveWorkThatWasAloneOwesNothing() {
    var share = ReservedShare()
    _ = Self.run(&share, 1000, interactive: 1, deferred: nil)
    #expect((1...3).contains(Self.run(&share, 20, interactive: 1, deferred: 1).count { $0 == .deferred }))
  }
}
