import BatchCore
import Ledger
import Testing
import Wire

@testable import Worker

/// How tenants and classes share what a scheduler has to give.
struct CallFairnessTests {
  private static let start = Timestamp(milliseconds: 1_000_000)
  private static let route = Route(provider: "one", model: "a")
  private static let other = Route(provider: "two", model: "b")

  private static func scheduler(
    concurrency: Int = 1, perRoute: Int = 1000, weights: [String: Int] = [:], pace: Int = 100
  ) -> GatedScheduler {
    GatedScheduler(
      CallScheduler.Limits(
        concurrency: concurrency, hold: .seconds(30), waitingPerRoute: perRoute, weights: TenantWeights(weights)),
      PaceLimits(concurrency: pace))
  }

  private static func calls(
    _ tenant: String, _ count: Int, from first: Int64 = 0, _ route: Route = route, deferred: Bool = false,
    tokens: Int64 = 100
  ) -> [PendingCall] {
    (0..<Int64(count)).map { number in
      let call = NewCall(
        endpoint: .chatCompletions, model: route.model, route: route, lane: .interactive, custody: .broker,
        body: RequestBody(bytes: [], modelRange: 0..<0), tokens: tokens, deadline: nil)
      var pending = PendingCall(
        id: RequestID(first + number), attempt: 1, call: call, tenant: tenant, arrivedAt: start)
      if deferred {
        pending.custody = .ledger
        pending.callClass = .deferred
      }
      return pending
    }
  }

  /// Starts and ends calls one after another.
  private static func run(_ scheduler: inout GatedScheduler, _ count: Int) -> [PendingCall] {
    (0..<count).flatMap { _ in
      let started = scheduler.next(at: start).start
      for call in started { scheduler.ended(call, .succeeded, at: start, random: 0) }
      return started
    }
  }

  @Test func aNoisyTenantWaitsBehindItsOwn() {
    var scheduler = Self.scheduler()
    scheduler.submit(Self.calls("noisy", 500), at: Self.start)
    scheduler.submit(Self.calls("quiet", 5, from: 1000), at: Self.start)
    let first = Self.run(&scheduler, 14)
    #expect(first.filter { $0.tenant == "quiet" }.map(\.id.rawValue) == [1000, 1001, 1002, 1003, 1004])
    #expect(first.filter { $0.tenant == "noisy" }.map(\.id.rawValue) == Array(0..<9))
  }

  @Test func weightsAndTokensDecide() {
    var scheduler = Self.scheduler(weights: ["heavy": 3])
    scheduler.submit(Self.calls("heavy", 400) + Self.calls("large", 400, tokens: 500), at: Self.start)
    scheduler.submit(Self.calls("small", 400), at: Self.start)
    let started = Self.run(&scheduler, 400)
    let cost = { (tenant: String) in started.filter { $0.tenant == tenant }.map(\.cost).reduce(0, +) }
    #expect(abs(cost("large") - cost("small")) <= 1200)
    #expect(abs(cost("heavy") - 3 * cost("small")) <= 3600)
  }

  @Test func whatCallsReallyTookCounts() {
    var scheduler = Self.scheduler(perRoute: 4000)
    scheduler.submit(Self.calls("frugal", 2000) + Self.calls("wordy", 2000), at: Self.start)
    var counts: [String: Int] = [:]
    for _ in 0..<1000 {
      for call in scheduler.next(at: Self.start).start {
        counts[call.tenant, default: 0] += 1
        let cost = call.tenant == "wordy" ? 4 * call.cost : call.cost
        scheduler.ended(call, .succeeded, cost: cost, at: Self.start, random: 0)
      }
    }
    let ratio = Double(counts["frugal"] ?? 0) / Double(counts["wordy"] ?? 1)
    #expect(ratio > 3.6 && ratio < 4.4, "\(counts)")
  }

  @Test func interactiveWorkHasNinePartsOfTen() {
    var scheduler = Self.scheduler()
    scheduler.submit(Self.calls("a", 200, deferred: true), at: Self.start)
    #expect(Self.run(&scheduler, 20).count == 20)
    scheduler.submit(Self.calls("a", 100, from: 1000), at: Self.start)
    let both = Self.run(&scheduler, 100)
    #expect(both.prefix(8).allSatisfy { $0.callClass == .interactive })
    #expect((9...12).contains(both.count { $0.callClass == .deferred }))
  }

  /// Places are shared by all routes: deferred work of one takes none from interactive work of another but its part.
  @Test func deferredWorkOfOneModelLeavesThePlacesToInteractiveWorkOfAnother() {
    var scheduler = Self.scheduler()
    scheduler.submit(Self.calls("a", 500, deferred: true), at: Self.start)
    scheduler.submit(Self.calls("b", 100, from: 1000, Self.other), at: Self.start)
    #expect(Self.run(&scheduler, 100).count { $0.route == Self.other } >= 88)
  }

  @Test func theTenantThatHoldsMostIsParked() {
    var scheduler = Self.scheduler(perRoute: 100, pace: 1)
    scheduler.submit(Self.calls("quiet", 20, from: 1000), at: Self.start)
    _ = scheduler.next(at: Self.start)
    scheduler.submit(Self.calls("noisy", 400), at: Self.start)
    let parked = scheduler.next(at: Self.start).park
    #expect(parked.count == 319)
    #expect(parked.allSatisfy { $0.tenant == "noisy" })
    // The newest go, so that the order of the rest holds.
    #expect(parked.map(\.id.rawValue).min() == 81)
  }

  @Test func delayedCallsOfTheTenantThatHoldsMostAreParked() {
    var scheduler = Self.scheduler(perRoute: 10, pace: 1)
    var delayed = Self.calls("noisy", 30)
    for index in delayed.indices { delayed[index].notBefore = Self.start + .seconds(1) }
    scheduler.submit(delayed + Self.calls("quiet", 3, from: 1000), at: Self.start)
    let parked = scheduler.next(at: Self.start).park
    #expect(parked.count == 22 && parked.allSatisfy { $0.tenant == "noisy" })
    #expect(scheduler.waiting == 10)
  }

  @Test func parkedRowsGoBeforeWhatCameLater() {
    var scheduler = Self.scheduler()
    scheduler.submit(Self.calls("a", 5), at: Self.start)
    var taken = Self.calls("a", 3, from: 1000)
    for index in taken.indices { taken[index].custody = .ledger }
    scheduler.submit(taken, at: Self.start)
    #expect(Self.run(&scheduler, 8).map(\.id.rawValue) == [1000, 1001, 1002, 0, 1, 2, 3, 4])
  }

  @Test func thereIsRoomForTenantsOfWhichNothingWaits() throws {
    var scheduler = Self.scheduler(concurrency: 8, pace: 1)
    let line = ParkedLine(route: Self.route, callClass: .deferred)
    #expect(scheduler.parkedRoom(at: Self.start).claim(line, weights: TenantWeights())?.limit == 8)
    scheduler.submit(Self.calls("a", 9, deferred: true), at: Self.start)
    _ = scheduler.next(at: Self.start)
    let room = scheduler.parkedRoom(at: Self.start)
    #expect(!room.isLow(line))
    let claim = try #require(room.claim(line, weights: TenantWeights()))
    #expect(claim.passing == ["a"] && claim.limit == 2)
    scheduler.submit(Self.calls("b", 8, deferred: true), at: Self.start)
    #expect(scheduler.parkedRoom(at: Self.start).claim(line, weights: TenantWeights()) == nil)
  }
}
