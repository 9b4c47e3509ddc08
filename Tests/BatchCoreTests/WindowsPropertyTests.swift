import BatchCore
import Testing

/// Whatever the order of arrivals, removals, ticks and clock steps: nothing is lost or doubled, no limit is passed, and no
/// window outlives its cap. The oracle measures progress, the sum of all steps forward.
@Suite(.timeLimit(.minutes(5)))
struct WindowsPropertyTests {
  private struct Open {
    var key: WindowKey
    var tokens: Int64
    var bytes: Int64
    /// In progress, not in the caller's time.
    var mustCloseAt: Int64
  }

  private static let keys = (0..<7).map { index in
    WindowKey(
      lane: index % 2 == 0 ? .deferred : .interactive, provider: "p\(index % 3)", model: "m\(index % 2)",
      endpoint: .responses, deadlineClass: UInt8(index))
  }

  @Test(arguments: 0..<60)
  func holds(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let limits = WindowLimits(
      idle: .milliseconds(Int64.random(in: 0...200, using: &random)),
      maximumAge: .milliseconds(Int64.random(in: 1...1000, using: &random)),
      maximumRequests: Int.random(in: 1...20, using: &random),
      maximumTokens: Int64.random(in: 1...500, using: &random),
      maximumBytes: Int64.random(in: 1...5000, using: &random))
    let windows = WindowsUnderTest(limits)
    var now: Int64 = 1_000_000
    /// The sum of the steps forward, as far as calls show them.
    var progress: Int64 = 0
    var seen = now
    var nextID: Int64 = 0
    var open: [Int64: Open] = [:]
    var finished: Set<Int64> = []

    func pass() -> Timestamp {
      progress += max(0, now - seen)
      seen = now
      return Timestamp(milliseconds: now)
    }

    func account(for closed: [ClosedWindow]) throws {
      for window in closed {
        try #require(!window.items.isEmpty)
        var members: [Open] = []
        for id in window.items {
          let member = open.removeValue(forKey: id)
          members.append(try #require(member))
          let isNew = finished.insert(id).inserted
          #expect(isNew)
        }
        #expect(members.allSatisfy { $0.key == window.key })
        #expect(members.map(\.tokens).reduce(0, +) == window.tokens)
        #expect(members.map(\.bytes).reduce(0, +) == window.bytes)
        let isWithin =
          window.items.count <= limits.maximumRequests && window.tokens <= limits.maximumTokens
          && window.bytes <= limits.maximumBytes
        #expect(isWithin || window.items.count == 1)
      }
    }

    for _ in 0..<2000 {
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<2: now -= Int64.random(in: 1...5000, using: &random)
      case 2..<70: now += Int64.random(in: 0...30, using: &random)
      default: break
      }
      switch Int.random(in: 0..<100, using: &random) {
      case 0..<70:
        let waited = Int.random(in: 0..<10, using: &random) == 0 ? Int64.random(in: 0...3000, using: &random) : 0
        let patience = Bool.random(using: &random) ? Int64.random(in: -50...800, using: &random) : nil
        // Now and then an id that is in a window already.
        let isRepeated = nextID > 0 && Int.random(in: 0..<20, using: &random) == 0
        let id = isRepeated ? Int64.random(in: 0..<nextID, using: &random) : nextID
        if finished.contains(id) { continue }
        let item = WindowItem(
          id: id, tokens: Int64.random(in: 0...120, using: &random), bytes: Int64.random(in: 0...900, using: &random),
          closeBy: patience.map { Timestamp(milliseconds: now + $0) },
          arrivedAt: Timestamp(milliseconds: now - waited))
        let key = Self.keys[Int.random(in: 0..<Self.keys.count, using: &random)]
        if !isRepeated { nextID += 1 }
        let time = pass()
        if open[id] == nil {
          let cap = limits.maximumAge.wholeMilliseconds - waited
          open[id] = Open(
            key: key, tokens: item.tokens, bytes: item.bytes, mustCloseAt: progress + min(cap, patience ?? cap))
        }
        try account(for: windows.add(item, to: key, at: time))
      case 70..<75:
        if let id = open.keys.randomElement(using: &random) {
          #expect(windows.remove(id))
          open[id] = nil
          finished.insert(id)
        }
      case 75:
        let residue = Int64.random(in: 0..<5, using: &random)
        windows.removeAll { $0 % 5 == residue }
        for id in open.keys where id % 5 == residue {
          open[id] = nil
          finished.insert(id)
        }
      default:
        try account(for: windows.tick(pass()))
        #expect(open.values.allSatisfy { $0.mustCloseAt > progress })
        if let next = windows.nextDeadline { #expect(next.milliseconds > now) }
      }
      #expect(windows.itemCount == open.count)
      #expect(windows.openCount == Set(open.values.map(\.key)).count)
    }
    try account(for: windows.drain())
    #expect(open.isEmpty)
    #expect(windows.itemCount == 0)
    #expect(Int64(finished.count) == nextID)
  }

  /// The same arrivals, with the caller waking only when it is told to, close at exactly those times.
  @Test(arguments: 0..<20)
  func nextDeadlineIsExact(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let limits = WindowLimits(
      idle: .milliseconds(50), maximumAge: .milliseconds(400), maximumRequests: 1000, maximumTokens: .max,
      maximumBytes: .max)
    let windows = WindowsUnderTest(limits)
    var now: Int64 = 0
    for id in 0..<1000 {
      let arrival = now + Int64.random(in: 0...40, using: &random)
      while let next = windows.nextDeadline, next.milliseconds <= arrival {
        #expect(windows.tick(Timestamp(milliseconds: next.milliseconds - 1)) == [])
        #expect(!windows.tick(next).isEmpty)
      }
      now = arrival
      let item = WindowItem(id: Int64(id), tokens: 1, bytes: 1, closeBy: nil, arrivedAt: Timestamp(milliseconds: now))
      _ = windows.add(item, to: Self.keys[id % Self.keys.count], at: Timestamp(milliseconds: now))
    }
  }
}
