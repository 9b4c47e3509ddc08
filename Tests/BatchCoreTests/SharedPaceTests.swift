import BatchCore
import Testing

struct SharedPaceTests {
  private let limits = PaceLimits(perMinute: [.requests: 6000, .tokens: 600_000], concurrency: 8)

  /// What was granted for a small call pays for no larger one, which must not have to wait behind it for ever.
  @Test func aGrantThatIsTooSmallGoesBack() {
    var now = Timestamp(milliseconds: 1_000_000)
    var book = PaceBook(now: now)
    var pace = SharedPace(now: now)
    func exchange() {
      let report = pace.report(now: now, random: 0)
      pace.granted(book.exchange(report, from: 1, live: [1], limits, now: now), now: now)
      now = now + .milliseconds(100)
    }
    let (small, large) = (
      PaceAmount(inputTokens: 10, outputTokens: 1), PaceAmount(inputTokens: 30, outputTokens: 1)
    )
    guard case .wait = pace.reserve(small, waiting: 1, now: now) else {
      Issue.record("nothing was granted yet")
      return
    }
    exchange()
    // The small one has gone elsewhere meanwhile.
    for _ in 0..<3 {
      if case .continue = pace.reserve(large, waiting: 1, now: now) { return }
      exchange()
    }
    Issue.record("a call waits for ever for what was granted to another")
  }

  /// Of all replicas, the one whose report changes the breaker is told so, and no other.
  @Test func oneReplicaIsToldThatItTurnedTheBreaker() {
    var now = Timestamp(milliseconds: 1_000_000)
    var book = PaceBook(now: now)
    var paces = (0..<3).map { _ in SharedPace(now: now) }
    let amount = PaceAmount(inputTokens: 10, outputTokens: 1)
    func turned() -> [Int] {
      now = now + .milliseconds(100)
      return paces.indices.filter { index in
        let report = paces[index].report(now: now, random: 0)
        let grant = book.exchange(
          report, from: Int64(index), live: [0, 1, 2], limits, now: now)
        paces[index].granted(grant, now: now)
        return grant.turnedBreaker
      }
    }
    for index in paces.indices { _ = paces[index].reserve(amount, waiting: 1, now: now) }
    #expect(turned() == [])
    let reservations = paces.indices.compactMap { index -> Reservation? in
      guard case .continue(let reservation) = paces[index].reserve(amount, waiting: 1, now: now) else { return nil }
      return reservation
    }
    #expect(reservations.count == 3)
    // All three learn the same at once; the first report that says so is the one that opens it.
    for index in paces.indices {
      paces[index].settle(reservations[index], CallEnd(.accountClosed(.unauthorised)), limits, now: now)
    }
    #expect(turned() == [0])
    #expect(turned() == [])
    #expect(paces.allSatisfy { $0.isSuspended && $0.refusal(now: now) != nil })
    // An operator closes it: nothing is sent before the book was asked again.
    book.closeBreaker()
    paces[1].closeBreaker()
    #expect(!paces[1].isSuspended && paces[1].refusal(now: now) == nil)
    guard case .wait = paces[1].reserve(amount, waiting: 1, now: now) else {
      Issue.record("a call is sent that nobody has granted")
      return
    }
    #expect(turned() == [])
    guard case .continue = paces[1].reserve(amount, waiting: 1, now: now) else {
      Issue.record("a call waits though the breaker is closed")
      return
    }
  }

  /// What a provider has told one replica is in the forecasts of all, also of one that calls nothing.
  @Test func aForecastKnowsWhatOthersHaveLearned() {
    let now = Timestamp(milliseconds: 1_000_000)
    let unlimited = PaceLimits(concurrency: 8)
    var book = PaceBook(now: now)
    var (caller, watcher) = (SharedPace(now: now), SharedPace(now: now))
    let amount = PaceAmount(inputTokens: 10, outputTokens: 1)
    func exchange(_ pace: inout SharedPace, as replica: Int64) {
      let report = pace.report(now: now, random: 0)
      pace.granted(book.exchange(report, from: replica, live: [1, 2], unlimited, now: now), now: now)
    }
    _ = caller.reserve(amount, waiting: 1, now: now)
    exchange(&caller, as: 1)
    guard case .continue(let reservation) = caller.reserve(amount, waiting: 1, now: now) else {
      Issue.record("a call waits for a limit that nobody knows")
      return
    }
    let told = PaceObservation(requests: RateLevel(limit: 60, remaining: 59))
    caller.settle(reservation, CallEnd(.succeeded, used: amount, observation: told), unlimited, now: now)
    exchange(&caller, as: 1)
    #expect(caller.callsPerMinute(amount, unlimited, now: now) == 60)

    #expect(watcher.reportDue(now: now) == nil)
    #expect(watcher.callsPerMinute(amount, unlimited, now: now) == nil)
    #expect(watcher.reportDue(now: now) == now)
    exchange(&watcher, as: 2)
    #expect(watcher.callsPerMinute(amount, unlimited, now: now) == 60)
    // Asked again when it may have changed, and not all the time.
    #expect(watcher.reportDue(now: now) == nil)
    #expect(watcher.isIdle)
    _ = watcher.callsPerMinute(amount, unlimited, now: now + .seconds(61))
    #expect(watcher.reportDue(now: now + .seconds(61)) == now + .seconds(61))
  }

  /// A store that is away is asked for a forecast now and then, and not all the time.
  @Test func anUnansweredForecastWaits() {
    let now = Timestamp(milliseconds: 1_000_000)
    var pace = SharedPace(now: now)
    _ = pace.callsPerMinute(.zero, limits, now: now)
    let report = pace.report(now: now, random: 0)
    #expect(pace.reportDue(now: now) == nil)
    pace.unanswered(report, now: now)
    #expect(pace.reportDue(now: now) == now + .seconds(1))
  }
}
