import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct IncidentTests {
  private func outage(_ text: String) throws -> Outage { try Outage(JSONSlice.parse(Array(text.utf8))) }
  private func order(_ text: String) throws -> RefusalOrder { try RefusalOrder(JSONSlice.parse(Array(text.utf8))) }

  @Test func outagesHaveTheirTimeAndScope() throws {
    let calls = try outage(#"{"from_ms":100,"to_ms":200,"kind":"refuse","scope":"calls"}"#)
    #expect([99, 100, 199, 200].map { calls.hits(.call, model: "m", elapsed: $0) } == [false, true, true, false])
    #expect(!calls.hits(.poll, model: nil, elapsed: 150))
    let batches = try outage(#"{"to_ms":null,"kind":"hang","scope":"batches"}"#)
    #expect(!batches.hits(.call, model: "m", elapsed: 0))
    for kind in CallKind.allCases where kind != .call { #expect(batches.hits(kind, model: nil, elapsed: .max)) }
    let model = try outage(#"{"kind":"503","model":"m"}"#)
    #expect(model.hits(.call, model: "m", elapsed: 0))
    #expect(!model.hits(.call, model: "n", elapsed: 0))
    #expect(!model.hits(.upload, model: nil, elapsed: 0))
  }

  @Test func aScheduleCountsFromWhenItWasGiven() throws {
    let schedule = OutageSchedule(
      outages: [try outage(#"{"from_ms":10,"to_ms":20,"kind":"hang"}"#), try outage(#"{"from_ms":15,"kind":"503"}"#)],
      givenAt: 7_000_000)
    func kind(_ milliseconds: Int) -> Outage.Kind? {
      schedule.hitting(.call, model: "m", now: 7_000_000 + milliseconds * 1_000_000)?.kind
    }
    #expect([0, 10, 19, 20, 999].map(kind) == [nil, .hang, .hang, .unavailable, .unavailable])
    #expect(OutageSchedule().hitting(.call, model: nil, now: .max) == nil)
  }

  @Test(arguments: [
    #"{"from_ms":-1}"#, #"{"kind":"503s"}"#, #"{"scope":"some"}"#, #"{"when":1}"#, "[]", "1", #"{"model":1}"#,
    #"{"to_ms":1.5}"#,
  ])
  func wrongOutages(text: String) {
    #expect(throws: SimulatorError.self) { try outage(text) }
  }

  @Test(arguments: [
    "{}", #"{"kind":"polls"}"#, #"{"kind":"poll","status":200}"#, #"{"kind":"poll","style":"x"}"#,
    #"{"kind":"poll","m":1}"#,
  ])
  func wrongOrders(text: String) {
    #expect(throws: SimulatorError.self) { try order(text) }
  }

  @Test func ordersAreTakenOneByOne() throws {
    var orders = [
      try order(#"{"kind":"call","n":2,"retry_after_ms":1000,"style":"date","model":"m"}"#),
      try order(#"{"kind":"call","status":503,"code":"slow_down"}"#), try order(#"{"kind":"poll","n":0}"#),
    ]
    #expect(orders.take(.poll, model: nil) == nil)
    #expect(orders.take(.call, model: "n")?.code == "slow_down")
    #expect(orders.take(.call, model: "n") == nil)
    let first = orders.take(.call, model: "m")
    #expect(first?.status == 429)
    #expect(first?.code == "rate_limit_exceeded")
    #expect(first?.retryAfterMilliseconds == 1000)
    #expect(first?.retryAfterStyle == .date)
    #expect(first?.reason == "ordered_429")
    #expect(orders.take(.call, model: "m") != nil)
    #expect(orders.take(.call, model: "m") == nil)
  }

  @Test func aChangeIsTakenAsAWhole() throws {
    let settings = SimulatorSettings(
      stateDirectory: "x", seed: 1, credentials: Credentials(keys: []), behaviour: Behaviour())
    func change(_ text: String) throws { try settings.change(JSONSlice.parse(Array(text.utf8)), now: 0) }
    try change(#"{"rpm":5,"outage":[{"kind":"503","to_ms":9}],"orders":[{"kind":"list","n":3}]}"#)
    let before = settings.json
    for wrong in [
      #"{"rpm":6,"orders":[],"outage":[{"oops":1}]}"#, #"{"outage":[],"rpm":"6"}"#, #"{"outage":{}}"#,
      #"{"outage":[],"orders":[{"kind":"oops"}]}"#,
    ] {
      #expect(throws: SimulatorError.self) { try change(wrong) }
      #expect(settings.json == before)
    }
    // What is shown can be given again.
    try change(String(decoding: before, as: UTF8.self))
    #expect(settings.json == before)
    _ = settings.takeOrder(.list, model: nil)
    let shown = try JSONSlice.parse(settings.json)["orders"]?.elements.map { $0["n"]?.int64 }
    #expect(shown == [2])
    try change(#"{"outage":[],"orders":[]}"#)
    #expect(settings.takeOrder(.list, model: nil) == nil)
    #expect(settings.plan.outages.outages.isEmpty)
    #expect(settings.behaviour.rpm == 5)
  }
}
