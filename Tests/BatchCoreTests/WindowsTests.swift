import BatchCore
import Testing

private let key = WindowKey(lane: .deferred, provider: "p", model: "m", endpoint: .chatCompletions, deadlineClass: 0)

private func at(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

private func item(
  _ id: Int64, tokens: Int64 = 1, bytes: Int64 = 1, closeBy: Int64? = nil, arrivedAt: Int64
) -> WindowItem {
  WindowItem(id: id, tokens: tokens, bytes: bytes, closeBy: closeBy.map(at), arrivedAt: at(arrivedAt))
}

private func makeWindows(
  idle: Int64 = 100, age: Int64 = 1000, requests: Int = 10, tokens: Int64 = 100, bytes: Int64 = 1000
) -> WindowsUnderTest {
  let limits = WindowLimits(
    idle: .milliseconds(idle), maximumAge: .milliseconds(age), maximumRequests: requests, maximumTokens: tokens,
    maximumBytes: bytes)
  return WindowsUnderTest(limits)
}

@Suite(.timeLimit(.minutes(4)))
struct WindowsTests {
  @Test func closesAfterIdle() {
    let windows = makeWindows()
    #expect(windows.add(item(1, tokens: 3, bytes: 4, arrivedAt: 0), to: key, at: at(0)) == [])
    #expect(windows.nextDeadline == at(100))
    #expect(windows.tick(at(99)) == [])
    let expected = ClosedWindow(key: key, items: [1], tokens: 3, bytes: 4, trigger: .idle, openedAt: at(0))
    #expect(windows.tick(at(100)) == [expected])
    #expect(windows.nextDeadline == nil)
    #expect(windows.openCount == 0)
    #expect(windows.itemCount == 0)
    #expect(windows.closedCount(by: .idle) == 1)
  }

  @Test func slidesButNeverPastItsAge() {
    let windows = makeWindows(requests: 100, tokens: 1000)
    for step in 0..<12 {
      #expect(windows.tick(at(Int64(step) * 90)) == [])
      _ = windows.add(item(Int64(step), arrivedAt: Int64(step) * 90), to: key, at: at(Int64(step) * 90))
    }
    #expect(windows.nextDeadline == at(1000))
    #expect(windows.tick(at(999)) == [])
    let closed = windows.tick(at(1000))
    #expect(closed.map(\.trigger) == [.age])
    #expect(closed.first?.items == Array(0..<12))
  }

  @Test func closesForTheEarliestDeadline() {
    let windows = makeWindows()
    _ = windows.add(item(1, closeBy: 80, arrivedAt: 0), to: key, at: at(0))
    _ = windows.add(item(2, closeBy: 50, arrivedAt: 10), to: key, at: at(10))
    _ = windows.add(item(3, closeBy: 70, arrivedAt: 20), to: key, at: at(20))
    #expect(windows.nextDeadline == at(50))
    #expect(windows.tick(at(50)).map(\.trigger) == [.deadline])
  }

  @Test func aDeadlineInThePastClosesAtTheNextTick() {
    let windows = makeWindows()
    #expect(windows.add(item(1, closeBy: -500, arrivedAt: 0), to: key, at: at(0)) == [])
    #expect(windows.tick(at(0)).map(\.trigger) == [.deadline])
  }

  @Test func closesAtOnceWhenFull() {
    let windows = makeWindows(requests: 3)
    #expect(windows.add(item(1, arrivedAt: 0), to: key, at: at(0)) == [])
    #expect(windows.add(item(2, arrivedAt: 0), to: key, at: at(0)) == [])
    let closed = windows.add(item(3, arrivedAt: 0), to: key, at: at(0))
    #expect(closed.map(\.items) == [[1, 2, 3]])
    #expect(closed.map(\.trigger) == [.requests])
    #expect(windows.openCount == 0)
  }

  @Test func neverOvershoots() {
    let windows = makeWindows(tokens: 100)
    #expect(windows.add(item(1, tokens: 60, arrivedAt: 0), to: key, at: at(0)) == [])
    let closed = windows.add(item(2, tokens: 41, arrivedAt: 5), to: key, at: at(5))
    #expect(closed.map(\.items) == [[1]])
    #expect(closed.map(\.trigger) == [.tokens])
    #expect(windows.contains(2))
    #expect(windows.nextDeadline == at(105))
    #expect(windows.add(item(3, tokens: 59, arrivedAt: 6), to: key, at: at(6)).map(\.items) == [[2, 3]])
  }

  @Test func overshootCanCloseTwoWindows() {
    let windows = makeWindows(tokens: 100, bytes: 100)
    _ = windows.add(item(1, bytes: 60, arrivedAt: 0), to: key, at: at(0))
    let first = windows.add(item(2, tokens: 99, bytes: 50, arrivedAt: 0), to: key, at: at(0))
    #expect(first.map(\.trigger) == [.bytes])
    #expect(windows.add(item(3, tokens: 1, arrivedAt: 0), to: key, at: at(0)).map(\.items) == [[2, 3]])
  }

  @Test(arguments: [(Int64(101), Int64(1), WindowTrigger.tokens), (1, 5000, .bytes), (100, 1, .tokens)])
  func whatIsTooLargeTravelsAlone(tokens: Int64, bytes: Int64, trigger: WindowTrigger) {
    let windows = makeWindows()
    _ = windows.add(item(1, arrivedAt: 0), to: key, at: at(0))
    let closed = windows.add(item(2, tokens: tokens, bytes: bytes, arrivedAt: 0), to: key, at: at(1))
    #expect(
      closed == [
        ClosedWindow(key: key, items: [2], tokens: tokens, bytes: bytes, trigger: trigger, openedAt: at(0))
      ])
    #expect(windows.contains(1))
    #expect(!windows.contains(2))
  }

  @Test func whatIsInAWindowIsNotAddedTwice() {
    let windows = makeWindows()
    var other = key
    other.model = "other"
    _ = windows.add(item(1, arrivedAt: 0), to: key, at: at(0))
    #expect(windows.add(item(1, arrivedAt: 0), to: key, at: at(0)) == [])
    #expect(windows.add(item(1, arrivedAt: 0), to: other, at: at(0)) == [])
    #expect(windows.itemCount == 1)
    #expect(windows.drain().map(\.items) == [[1]])
  }

  @Test func aRestartGathersWhatIsLongDue() {
    let windows = makeWindows(requests: 100)
    for id in 0..<50 {
      #expect(windows.add(item(Int64(id), arrivedAt: -50_000), to: key, at: at(7)) == [])
    }
    #expect(windows.nextDeadline == at(-49_000))
    let closed = windows.tick(at(7))
    #expect(closed.map(\.items.count) == [50])
    #expect(closed.first?.openedAt == at(-50_000))
    #expect(closed.first?.trigger == .age)
  }

  @Test func anArrivalInTheFutureCountsAsNow() {
    let windows = makeWindows(idle: 5000)
    _ = windows.add(item(1, arrivedAt: 1_000_000), to: key, at: at(0))
    #expect(windows.nextDeadline == at(1000))
  }

  @Test func removedRequestsAreGone() {
    let windows = makeWindows(tokens: 100)
    _ = windows.add(item(1, tokens: 40, closeBy: 20, arrivedAt: 0), to: key, at: at(0))
    _ = windows.add(item(2, tokens: 30, closeBy: 60, arrivedAt: 0), to: key, at: at(0))
    #expect(windows.remove(1))
    #expect(!windows.remove(1))
    #expect(windows.nextDeadline == at(60))
    #expect(windows.add(item(3, tokens: 60, arrivedAt: 0), to: key, at: at(0)) == [])
    let closed = windows.tick(at(60))
    #expect(closed.map(\.items) == [[2, 3]])
    #expect(closed.map(\.tokens) == [90])
  }

  @Test func aWindowWithoutRequestsIsGone() {
    let windows = makeWindows()
    for id in 1...3 { _ = windows.add(item(Int64(id), arrivedAt: 0), to: key, at: at(0)) }
    windows.removeAll { $0 != 2 }
    #expect(windows.itemCount == 1)
    windows.removeAll { _ in true }
    #expect(windows.openCount == 0)
    #expect(windows.nextDeadline == nil)
    #expect(windows.drain() == [])
    #expect(windows.add(item(1, arrivedAt: 0), to: key, at: at(0)) == [])
    #expect(windows.openCount == 1)
  }

  @Test func keysDoNotMix() {
    let windows = makeWindows(requests: 2)
    var other = key
    other.deadlineClass = 3
    _ = windows.add(item(1, arrivedAt: 0), to: key, at: at(0))
    _ = windows.add(item(2, arrivedAt: 0), to: other, at: at(50))
    #expect(windows.openCount == 2)
    #expect(windows.tick(at(100)).map(\.key) == [key])
    #expect(windows.tick(at(150)).map(\.key) == [other])
  }

  @Test func aStepBackOfTheClockDelaysNothing() {
    let windows = makeWindows()
    _ = windows.add(item(1, closeBy: 3_600_080, arrivedAt: 3_600_000), to: key, at: at(3_600_000))
    #expect(windows.tick(at(0)) == [])
    #expect(windows.nextDeadline == at(80))
    #expect(windows.tick(at(79)) == [])
    #expect(windows.tick(at(80)).map(\.items) == [[1]])
  }

  @Test func extremesDoNotTrap() {
    let windows = makeWindows(idle: .max, age: .max, requests: .max, tokens: .max, bytes: .max)
    _ = windows.add(item(1, tokens: .max - 1, bytes: -5, closeBy: .max, arrivedAt: .min), to: key, at: at(.max))
    _ = windows.add(item(2, tokens: .max - 1, bytes: .max - 1, closeBy: .min, arrivedAt: .max), to: key, at: at(.min))
    _ = windows.tick(at(.max))
    _ = windows.tick(at(.min))
    _ = windows.nextDeadline
    _ = windows.remove(1)
    _ = windows.drain()
    #expect(windows.itemCount == 0)
  }
}
