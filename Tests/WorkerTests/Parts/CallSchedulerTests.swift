import BatchCore
import Ledger
import Testing
import Wire

@testable import Worker

struct CallSchedulerTests {
  private static let start = Timestamp(milliseconds: 1_000_000)
  private static let first = Route(provider: "one", model: "a")
  private static let second = Route(provider: "two", model: "b")

  private static func scheduler(
    concurrency: Int = 4, perRoute: Int = 100, pace: PaceLimits = PaceLimits(concurrency: 100)
  ) -> GatedScheduler {
    GatedScheduler(
      CallScheduler.Limits(concurrency: concurrency, hold: .seconds(30), waitingPerRoute: perRoute), pace)
  }

  private static func call(
    _ id: Int64, _ route: Route = first, custody: Custody = .broker, at now: Timestamp = start
  ) -> PendingCall {
    let call = NewCall(
      endpoint: .chatCompletions, model: route.model, route: route, lane: .interactive, custody: custody,
      body: RequestBody(bytes: [], modelRange: 0..<0), tokens: 1, deadline: nil)
    return PendingCall(id: RequestID(id), attempt: 1, call: call, tenant: "t", arrivedAt: now)
  }

  private func ids(_ calls: [PendingCall]) -> [Int64] { calls.map(\.id.rawValue) }

  @Test func whatCanStartStartsInOrder() {
    var scheduler = Self.scheduler()
    scheduler.submit((1...6).map { Self.call($0) }, at: Self.start)
    let actions = scheduler.next(at: Self.start)
    #expect(ids(actions.start) == [1, 2, 3, 4])
    #expect(scheduler.inFlight == 4 && scheduler.waiting == 2)
    scheduler.ended(Self.call(1), .succeeded, at: Self.start, random: 0)
    #expect(ids(scheduler.next(at: Self.start).start) == [5])
  }

  @Test func nothingStartsTwice() {
    var scheduler = Self.scheduler(concurrency: 3)
    scheduler.submit((0..<50).map { Self.call($0, $0 % 2 == 0 ? Self.first : Self.second) }, at: Self.start)
    var started: [Int64] = []
    var running: [PendingCall] = []
    while true {
      let actions = scheduler.next(at: Self.start)
      started += ids(actions.start)
      running += actions.start
      #expect(running.count <= 3)
      guard let ended = running.popLast() else { break }
      scheduler.ended(ended, .succeeded, at: Self.start, random: 0)
    }
    #expect(started.sorted() == Array(0..<50))
    #expect(scheduler.inFlight == 0 && scheduler.waiting == 0)
  }

  @Test func routesTakeTurns() {
    var scheduler = Self.scheduler(concurrency: 1)
    scheduler.submit((1...10).map { Self.call($0) }, at: Self.start)
    scheduler.submit([Self.call(100, Self.second)], at: Self.start)
    var started: [Int64] = []
    for _ in 0..<3 {
      let call = scheduler.next(at: Self.start).start
      started += ids(call)
      for call in call { scheduler.ended(call, .succeeded, at: Self.start, random: 0) }
    }
    #expect(started.contains(100))
  }

  @Test func aRouteThatIsHeldBackDelaysNoOther() {
    var scheduler = Self.scheduler()
    scheduler.submit([Self.call(1)], at: Self.start)
    _ = scheduler.next(at: Self.start)
    scheduler.ended(Self.call(1), .rateLimited(retryAfter: .seconds(20)), at: Self.start, random: 0)
    scheduler.submit([Self.call(2), Self.call(3, Self.second)], at: Self.start)
    let actions = scheduler.next(at: Self.start)
    #expect(ids(actions.start) == [3])
    #expect(actions.wake == Self.start + .seconds(20))
    #expect(ids(scheduler.next(at: Self.start + .seconds(20)).start) == [2])
  }

  @Test func aCallIsNotMadeBeforeItsTime() {
    var scheduler = Self.scheduler()
    var later = Self.call(1)
    later.notBefore = Self.start + .seconds(5)
    scheduler.submit([later], at: Self.start)
    let actions = scheduler.next(at: Self.start)
    #expect(actions.start.isEmpty && actions.wake == Self.start + .seconds(5))
    #expect(ids(scheduler.next(at: Self.start + .seconds(5)).start) == [1])
  }

  @Test func whatWaitsTooLongIsParked() {
    var scheduler = Self.scheduler(concurrency: 1)
    scheduler.submit([Self.call(1), Self.call(2)], at: Self.start)
    let actions = scheduler.next(at: Self.start)
    #expect(ids(actions.start) == [1])
    #expect(actions.wake == Self.start + .seconds(30))
    #expect(scheduler.next(at: Self.start + .seconds(29)).park.isEmpty)
    #expect(ids(scheduler.next(at: Self.start + .seconds(30)).park) == [2])
    #expect(scheduler.waiting == 0)
  }

  @Test func whatWouldWaitTooLongIsParkedAtOnce() {
    var scheduler = Self.scheduler()
    var later = Self.call(1)
    later.notBefore = Self.start + .seconds(31)
    scheduler.submit([later], at: Self.start)
    #expect(ids(scheduler.next(at: Self.start).park) == [1])
  }

  @Test func oneRouteHoldsOnlyItsShare() {
    var scheduler = Self.scheduler(concurrency: 1, perRoute: 3)
    scheduler.submit((1...8).map { Self.call($0) }, at: Self.start)
    let actions = scheduler.next(at: Self.start)
    #expect(actions.start.count == 1)
    #expect(actions.park.count == 4)
    #expect(scheduler.waiting == 3)
  }

  @Test func aClosedAccountSendsEverythingAwayAndIsProbed() {
    var scheduler = Self.scheduler()
    scheduler.submit([Self.call(1)], at: Self.start)
    _ = scheduler.next(at: Self.start)
    scheduler.ended(Self.call(1), .accountClosed(.billing), at: Self.start, random: 0)
    scheduler.submit([Self.call(2), Self.call(3)], at: Self.start)
    let actions = scheduler.next(at: Self.start)
    #expect(ids(actions.refused) == [2, 3] && actions.start.isEmpty && actions.park.isEmpty)
    #expect(actions.refused.allSatisfy { $0.notBefore == Self.start + .seconds(30) })
    #expect(scheduler.waiting == 0)
    let later = Self.start + .seconds(30)
    scheduler.submit([Self.call(2, custody: .ledger, at: later), Self.call(3, custody: .ledger, at: later)], at: later)
    let probe = scheduler.next(at: later)
    #expect(ids(probe.start) == [2])
    // The others wait for what it says.
    #expect(probe.refused.isEmpty && probe.park.isEmpty && scheduler.waiting == 1)
    scheduler.ended(Self.call(2), .succeeded, at: later, random: 0)
    #expect(ids(scheduler.next(at: later).start) == [3])
  }

  /// It must never ask to be woken at a time that has come: that would spin.
  @Test func theNextWakeIsAlwaysAhead() {
    var random = SystemRandomNumberGenerator()
    var scheduler = Self.scheduler(concurrency: 3, perRoute: 5, pace: PaceLimits(concurrency: 2))
    var running: [PendingCall] = []
    var now = Self.start
    var next: Int64 = 0
    for _ in 0..<3000 {
      let calls = (0..<Int.random(in: 0...2)).map { _ -> PendingCall in
        next += 1
        var call = Self.call(next, Bool.random() ? Self.first : Self.second, at: now)
        if Bool.random() { call.notBefore = now + .milliseconds(Int.random(in: -100...40_000)) }
        return call
      }
      scheduler.submit(calls, at: now)
      let actions = scheduler.next(at: now)
      running += actions.start
      #expect(actions.wake.map { $0 > now } ?? true)
      #expect(scheduler.inFlight == running.count)
      if let ended = running.indices.randomElement(using: &random), Bool.random() {
        let dispositions: [Disposition?] = [
          .succeeded, .rejected, .rateLimited(retryAfter: nil), .rateLimited(retryAfter: .seconds(3)),
          .retryable(retryAfter: nil), .accountClosed(.unauthorised), nil,
        ]
        let disposition = dispositions.randomElement() ?? nil
        scheduler.ended(running.remove(at: ended), disposition, at: now, random: random.next())
      }
      now = now + .milliseconds(Int.random(in: 0...5000))
    }
  }
}
