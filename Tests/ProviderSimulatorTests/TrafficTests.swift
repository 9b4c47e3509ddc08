import Testing

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct TrafficTests {
  private func visit(
    _ kind: CallKind, at arrival: Int = 0, key: String = "k", model: String? = nil, batch: String? = nil
  ) -> Visit {
    Visit(arrival: arrival, agent: "a test", key: key, kind: kind, model: model, batchID: batch)
  }

  @Test func whoComesBeforeTheTimeIsEarly() {
    var watch = RetryWatch()
    let subject = RetryWatch.Subject(key: "k", kind: .poll, name: "batch_1")
    #expect(watch.early(subject, arrival: 5, grace: 0) == nil)
    watch.tell(subject, until: 1_000_000, now: 10)
    // It came before it could know.
    #expect(watch.early(subject, arrival: 9, grace: 0) == nil)
    #expect(watch.early(subject, arrival: 500, grace: 1000) == nil)
    #expect(watch.early(subject, arrival: 999_999, grace: 0) == .init(milliseconds: 1, millisecondsSinceTold: 999))
    #expect(watch.early(subject, arrival: 1_000_000, grace: 0) == nil)
    for other in [
      RetryWatch.Subject(key: "j", kind: .poll, name: "batch_1"), .init(key: "k", kind: .cancel, name: "batch_1"),
      .init(key: "k", kind: .poll, name: "batch_2"),
    ] {
      #expect(watch.early(other, arrival: 500_000, grace: 0) == nil)
    }
    // A shorter wait takes nothing back, a longer one holds.
    watch.tell(subject, until: 600_000, now: 500_000)
    #expect(watch.early(subject, arrival: 700_000, grace: 0)?.milliseconds == 300)
    watch.tell(subject, until: 2_000_000, now: 700_000)
    #expect(watch.early(subject, arrival: 1_500_000, grace: 0)?.milliseconds == 500)
  }

  @Test func waitsAreBounded() {
    var watch = RetryWatch()
    for number in 0...RetryWatch.mostWaits {
      watch.tell(.init(key: "k", kind: .poll, name: "\(number)"), until: 10 + number, now: number)
    }
    let last = RetryWatch.mostWaits
    #expect(watch.early(.init(key: "k", kind: .poll, name: "\(last)"), arrival: last, grace: 0) != nil)
  }

  @Test func callsAreCountedByKeyModelAndSecond() {
    let traffic = Traffic()
    let call = visit(.call, model: "m")
    #expect(traffic.begin(call, tokens: 10, second: 100) == 1)
    #expect(traffic.begin(call, tokens: 10, second: 100) == 2)
    #expect(traffic.begin(visit(.call, model: "n"), tokens: 1, second: 101) == 1)
    traffic.refuse(call, "rate_limit_requests", status: 429, now: 102_000_000)
    traffic.refuse(visit(.call), "invalid_request", status: 400, now: 102_000_000)
    traffic.end(call, tokens: 5, second: 103)
    traffic.accept(visit(.list))
    let state = traffic.snapshot
    let account = state.accounts[Traffic.AccountKey(key: "k", model: "m")]
    #expect(account?.count.accepted == 2)
    #expect(account?.count.refused == 1)
    #expect(account?.inFlight == 1)
    #expect(account?.mostInFlight == 2)
    #expect(account?.tokens == 25)
    let expected = [
      Timeline.Second(second: 100, accepted: 2, tokens: 20), .init(second: 102, refused: 1),
      .init(second: 103, tokens: 5),
    ]
    #expect(state.timeline(key: nil, model: "m").seconds == expected)
    #expect(state.timeline(key: "k", model: nil).seconds == state.timeline.seconds)
    #expect(state.timeline(key: "j", model: nil).seconds.isEmpty)
    #expect(state.timeline.seconds.map(\.accepted) == [2, 1, 0, 0])
    #expect(state.kinds[Traffic.KindKey(key: "k", kind: .call)]?.accepted == 3)
    #expect(state.agents["a test"]?.refused == 2)
    // What is in flight over a reset ends after it.
    traffic.reset()
    traffic.end(call, tokens: 0, second: 104)
    #expect(traffic.begin(call, tokens: 1, second: 104) == 1)
  }

  @Test func secondsAreBounded() {
    var timeline = Timeline()
    for second in 0..<20_000 { timeline.add(second, accepted: 1) }
    #expect(timeline.seconds.count < 2 * Timeline.length)
    #expect(timeline.seconds.suffix(Timeline.length).map(\.second) == Array(20_000 - Timeline.length..<20_000))
    timeline.add(5, refused: 1)
    #expect(timeline.seconds.last == Timeline.Second(second: 19_999, accepted: 1, refused: 1))
  }

  @Test func keysAndModelsAreBounded() {
    let traffic = Traffic()
    for number in 0..<Traffic.mostEntries + 100 {
      let call = visit(.call, key: "k\(number)", model: "m")
      _ = traffic.begin(call, tokens: 1, second: 1)
      traffic.end(call, tokens: 0, second: 1)
    }
    let state = traffic.snapshot
    #expect(state.accounts.count == Traffic.mostEntries + 1)
    #expect(state.accounts.values.reduce(0) { $0 + $1.count.accepted } == Traffic.mostEntries + 100)
    #expect(state.accounts.values.count { $0.timeline != nil } == Traffic.mostTimelines)
    #expect(state.kinds.count == Traffic.mostEntries + 1)
  }
}
