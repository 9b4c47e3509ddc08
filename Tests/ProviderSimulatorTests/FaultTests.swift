import ArgumentParser
import BatchCore
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct FaultTests {
  private func request(_ text: String) throws -> ModelRequest {
    let body = #"{"model":"m","messages":[{"role":"user","content":"\#(text)"}]}"#
    return try ModelRequest(endpoint: .chatCompletions, body: JSONSlice.parse(Array(body.utf8)), counting: .bytes)
  }

  @Test func markers() {
    let text =
      "a [[sim:500x2]] b [[sim:hang]] [[sim:cutx*]] [[sim:slow=50]] [[sim:tokens=9]] [[sim:expirex3]] [[sim:what]]"
    let directives = Directives(in: Array(text.utf8))
    #expect(directives.failure == Directives.Failure(status: 500, times: 2))
    #expect(directives.hangs == 1)
    #expect(directives.cuts == .max)
    #expect(directives.slowMilliseconds == 50)
    #expect(directives.outputTokens == 9)
    #expect(directives.expires == 3)
    #expect(!directives.isRejected)
    #expect(Directives(in: Array("[[sim:reject]]".utf8)).isRejected)
    #expect(Directives(in: Array("[[sim:tokens=99999999999]]".utf8)).outputTokens == Directives.mostOutputTokens)
  }

  @Test(arguments: [
    "", "[[sim:", "[[sim:]]", "[[sim:500x", "[[sim:x2]]", "[[sim:slow=]]", "[[sim:slow=-1]]", "[[sim:600]]",
    "[[sim:500x-1]]",
  ])
  func brokenMarkersAreIgnored(text: String) {
    #expect(Directives(in: Array(text.utf8)) == Directives(in: []))
  }

  @Test func markersFailTheFirstAttempts() throws {
    let plan = FaultPlan(behaviour: Behaviour(), dice: Dice(seed: 1))
    let twice = try request("[[sim:503x2]]")
    for attempt in 0..<2 {
      guard case .refused(let error) = plan.call(twice, attempt: attempt) else {
        Issue.record("attempt \(attempt) was not refused")
        return
      }
      #expect(error.status == 503)
      #expect(plan.row(twice, attempt: attempt) == .refused(error))
    }
    #expect(plan.call(twice, attempt: 2) == .none)
    #expect(plan.row(twice, attempt: 2) == .none)
    #expect(plan.row(try request("[[sim:missing]]"), attempt: 0) == .missing)
    #expect(plan.call(try request("[[sim:missing]]"), attempt: 0) == .none)
  }

  @Test func chanceIsTheSameInEveryRun() throws {
    var behaviour = Behaviour()
    (behaviour.fault429, behaviour.fault5xx, behaviour.faultHang, behaviour.faultCut) = (0.1, 0.1, 0.1, 0.1)
    let first = FaultPlan(behaviour: behaviour, dice: Dice(seed: 7))
    let again = FaultPlan(behaviour: behaviour, dice: Dice(seed: 7))
    let other = FaultPlan(behaviour: behaviour, dice: Dice(seed: 8))
    let requests = try (0..<500).map { try request("prompt \($0)") }
    let faults = requests.map { first.call($0, attempt: 0) }
    #expect(faults == requests.map { again.call($0, attempt: 0) })
    #expect(faults != requests.map { other.call($0, attempt: 0) })
    let hits = faults.count { $0 != .none }
    // 1 - 0.9^4 of 500 is 172.
    #expect((130...215).contains(hits), "\(hits)")
    for request in requests { #expect((0..<30).contains { first.call(request, attempt: $0) == .none }) }
  }

  @Test func rejectedRowsStayRejected() throws {
    var behaviour = Behaviour()
    behaviour.faultLineReject = 0.2
    let plan = FaultPlan(behaviour: behaviour, dice: Dice(seed: 3))
    let requests = try (0..<300).map { try request("row \($0)") }
    let rejected = requests.filter { plan.row($0, attempt: 0) != .none }
    #expect((35...90).contains(rejected.count), "\(rejected.count)")
    for request in rejected {
      for attempt in 1..<5 { #expect(plan.row(request, attempt: attempt) != .none) }
    }
  }

  @Test func lineErrorsComeInAllShapes() throws {
    var behaviour = Behaviour()
    behaviour.faultLineError = 1
    let plan = FaultPlan(behaviour: behaviour, dice: Dice(seed: 3))
    var kinds: Set<String> = []
    for number in 0..<50 {
      switch plan.row(try request("row \(number)"), attempt: 0) {
      case .refused(let error): kinds.insert("\(error.status)")
      case .failed(let code, _): kinds.insert(code)
      case .none, .missing: Issue.record("row \(number) has no fault")
      }
    }
    #expect(kinds == ["429", "500", "server_error"])
  }

  @Test func expiryLeavesPartOfTheRows() {
    var behaviour = Behaviour()
    behaviour.faultExpire = 1
    let plan = FaultPlan(behaviour: behaviour, dice: Dice(seed: 3))
    for ordinal in 0..<50 {
      let rows = plan.expiry(ordinal, rows: 100) ?? -1
      #expect((20...80).contains(rows))
    }
    behaviour.faultExpire = 0
    #expect(FaultPlan(behaviour: behaviour, dice: Dice(seed: 3)).expiry(0, rows: 100) == nil)
  }

  @Test func aShareOfTheBatchesTakesTheWholeTail() {
    var behaviour = Behaviour()
    (behaviour.batchTailMs, behaviour.batchTailShare) = (1000, 0.1)
    let plan = FaultPlan(behaviour: behaviour, dice: Dice(seed: 3))
    let tails = (0..<1000).map { plan.tail($0) }
    #expect(Set(tails) == [0, 1000])
    #expect((70...130).contains(tails.count { $0 == 1000 }))
  }

  @Test func latencyGrowsWithLoadAndHasATail() throws {
    var behaviour = Behaviour()
    (behaviour.latencyMs, behaviour.latencyPerTokenUs, behaviour.latencyLoadFactor) = (100, 1000, 0.5)
    let wanted = try request("hello")
    var plan = FaultPlan(behaviour: behaviour, dice: Dice(seed: 3))
    #expect(plan.latency(wanted, outputTokens: 10, attempt: 0, inFlight: 1) == 110_000)
    #expect(plan.latency(wanted, outputTokens: 10, attempt: 0, inFlight: 3) == 220_000)
    behaviour.latencyTailMs = 1000
    plan = FaultPlan(behaviour: behaviour, dice: Dice(seed: 3))
    let more = try (0..<2000).map {
      plan.latency(try request("p \($0)"), outputTokens: 10, attempt: 0, inFlight: 1) - 110_000
    }.sorted()
    #expect(more[0] >= 0)
    #expect((130_000...170_000).contains(more[1000]), "\(more[1000])")
    #expect((800_000...1_250_000).contains(more[1980]), "\(more[1980])")
    #expect(more[1999] <= 3_000_000)
    let again = (0..<2).map { _ in plan.latency(wanted, outputTokens: 10, attempt: 1, inFlight: 1) }
    #expect(again[0] == again[1])
  }

  @Test func behaviourIsReadAsAWhole() throws {
    var behaviour = Behaviour()
    let text =
      #"{"zero_latency":true,"fault_429":0.5,"rpm":60,"latency_ms":3,"header_style":"seconds","#
      + #""count_max_tokens":false,"quota_after_usd":0.25,"revoked_keys":["team","sk-a"]}"#
    try behaviour.apply(JSONSlice.parse(Array(text.utf8)))
    #expect(behaviour.fault429 == 0.5)
    #expect(behaviour.rpm == 60)
    #expect(behaviour.latencyMs == 3)
    #expect(behaviour.batchMinMs == 0)
    #expect(behaviour.headerStyle == .seconds)
    #expect(!behaviour.countMaxTokens)
    #expect(behaviour.quotaAfterUSD == 0.25)
    #expect(behaviour.revokedKeys == ["team", Credentials.fingerprint("sk-a")])
    let before = behaviour
    for wrong in [
      #"{"header_style":"odd"}"#, #"{"count_max_tokens":1}"#, #"{"revoked_keys":"sk-a"}"#, #"{"revoked_keys":[1]}"#,
      #"{"quota_after_usd":-1}"#, #"{"slow_down_status":500}"#, #"{"rpm":1,"fault_429":2}"#, #"{"rpm":1,"nonsense":1}"#,
      #"{"rpm":-1}"#, #"{"rpm":"1"}"#, "[]", #"{"rpm":1.5}"#,
    ] {
      #expect(throws: SimulatorError.self) { try behaviour.apply(JSONSlice.parse(Array(wrong.utf8))) }
      #expect(behaviour == before)
    }
    var copy = Behaviour()
    try copy.apply(JSONSlice.parse(behaviour.json))
    #expect(copy == behaviour)
  }

  @Test func everyOptionHasItsName() throws {
    // Those of Azure, Gemini and Mistral are all set by one option.
    let known = Set(
      Behaviour.names.filter { name in
        !["azure_", "gemini_", "mistral_"].contains { name.hasPrefix($0) } && name != "file_processing_ms"
      })
    let command = try ProviderSimulatorCommand.parse(["--state", "x"])
    let (times, limits, accounts) = (command.times, command.limits, command.accounts)
    let numbers = (times.values + limits.values + command.tokens.values + accounts.numbers).map(\.0)
    let decimals = (command.faults.values + times.decimals + accounts.decimals).map(\.0)
    let choices = (limits.choices + command.tokens.choices + accounts.choices + command.headers.choices).map(\.0)
    let options =
      numbers + decimals + choices + (limits.flags + command.quirks.flags).map(\.0) + accounts.lists.map(\.0)
    #expect(Set(options) == known)
    #expect(options.count == known.count)
    let help = ProviderSimulatorCommand.helpMessage(columns: 500)
    for name in known {
      let flag = name.replacing("_", with: "-")
      #expect(help.contains("--\(flag)"), "\(flag)")
    }
  }

  @Test func commandLineComesOnTop() throws {
    let command = try ProviderSimulatorCommand.parse(
      [
        "--state", "x", "--zero-latency", "--latency-ms", "5", "--fault-5xx", "0.25", "--rpm", "9", "--key", "sk-a=p",
        "--no-count-max-tokens", "--retry-after-style", "date", "--no-quota-keys", "p", "--no-quota-keys", "*",
        "--outage", #"{"from_ms":5}"#, "--outage", #"{"kind":"hang"}"#, "--order", #"{"kind":"poll"}"#,
      ])
    #expect(try command.incidents.document()?["outage"]?.elements.map { $0["from_ms"]?.int64 } == [5, nil])
    let behaviour = try command.behaviour()
    #expect(behaviour.latencyMs == 5)
    #expect(behaviour.batchMinMs == 0)
    #expect(behaviour.fault5xx == 0.25)
    #expect(behaviour.rpm == 9)
    #expect(!behaviour.countMaxTokens)
    #expect(behaviour.retryAfterStyle == .date)
    #expect(behaviour.noQuotaKeys == ["p", "*"])
    #expect(throws: SimulatorError.self) {
      try ProviderSimulatorCommand.parse(["--state", "x", "--fault-5xx", "2"]).behaviour()
    }
    #expect(throws: SimulatorError.self) { try ProviderSimulatorCommand.address("nowhere") }
    #expect(try ProviderSimulatorCommand.address("0.0.0.0:99") == ("0.0.0.0", 99))
  }
}
