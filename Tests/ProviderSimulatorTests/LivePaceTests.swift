import HTTPTypes
import HummingbirdTesting
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct LivePaceTests {
  private static let key = Credentials.fingerprint("sk-test")

  /// The entry of a list of the statistics whose members are these.
  private func entry(_ list: JSONSlice?, _ name: String, _ value: String) -> JSONSlice? {
    list?.elements.first { $0[name]?.string == value }
  }

  /// What each kind of call is, given a file and a batch.
  private func send(_ kind: CallKind, _ live: LiveSimulator, _ file: String, _ batch: String) async throws
    -> LiveSimulator.Answer
  {
    switch kind {
    case .call: try await live.chat("hello")
    case .upload: try await live.upload(LiveSimulator.row("r", "x"))
    case .create: try await live.send(.post, "/v1/batches", "{}")
    case .poll: try await live.send(.get, "/v1/batches/\(batch)")
    case .fetch: try await live.send(.get, "/v1/files/\(file)/content")
    case .list: try await live.send(.get, "/v1/batches")
    case .delete: try await live.send(.delete, "/v1/files/\(file)")
    case .cancel: try await live.send(.post, "/v1/batches/\(batch)/cancel")
    }
  }

  @Test(arguments: CallKind.allCases) func whoIsToldToWaitAndDoesNotIsWitnessed(kind: CallKind) async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let file = try #require(try await live.upload(LiveSimulator.row("r", "x")).json["id"]?.string)
      let batch = try await live.start([LiveSimulator.row("r", "x")])
      _ = try await live.wait(for: batch)
      try await live.change(
        #"{"orders":[{"kind":"\#(kind.rawValue)","n":1,"status":503,"retry_after_ms":600000,"style":"seconds"}]}"#)
      let refusal = try await send(kind, live, file, batch)
      #expect(refusal.status == 503)
      #expect(refusal.headers[.retryAfter] == "600")
      #expect(refusal.headers[.retryAfterMilliseconds] == nil)
      #expect(try await send(kind, live, file, batch).status != 503)
      let stats = try await live.send(.get, "/_sim/stats").json
      #expect(stats["early"]?["count"]?.int64 == 1)
      let early = try #require(entry(stats["early"]?["by"], "kind", kind.rawValue))
      #expect(early["key"]?.string == Self.key)
      #expect((590_000...600_000).contains(early["worst_ms"]?.int64 ?? 0))
      let kinds = try #require(entry(stats["traffic"]?["kinds"], "kind", kind.rawValue))
      #expect(kinds["reasons"]?["ordered_503"]?.int64 == 1)
      #expect(kinds["statuses"]?["503"]?.int64 == 1)
      let lines = try await live.send(.get, "/_sim/calls").body.split(separator: 0x0A).map {
        try JSONSlice.parse(Array($0))
      }
      let line = try #require(lines.first { $0["action"]?.string == "early" })
      #expect(line["kind"]?.string == kind.rawValue)
      #expect(line["subject"]?.string == (kind == .call ? "gpt-4o-mini" : kind == .poll ? batch : nil))
      #expect((590_000...600_000).contains(line["early_ms"]?.int64 ?? 0))
    }
  }

  @Test func limitsAreToldInOtherWords() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path, change: { ($0.rpm, $0.itpm, $0.headerStyle) = (1, 1000, .anthropic) }
    ) { live async throws -> Void in
      let first = try await live.chat("a")
      #expect(first.headers[.limitRequests] == nil)
      #expect(first.headers[.init("anthropic-ratelimit-requests-remaining")!] == "0")
      #expect(first.headers[.init("anthropic-ratelimit-input-tokens-limit")!] == "1000")
      try await live.change(#"{"header_style":"openai","retry_after_style":"date"}"#)
      let second = try await live.chat("a")
      #expect(second.status == 429)
      #expect(second.headers[.remainingRequests] == "0")
      #expect(second.headers[.retryAfter]?.hasSuffix(" GMT") == true)
      let stats = try await live.send(.get, "/_sim/stats").json
      let account = try #require(entry(stats["traffic"]?["accounts"], "model", "gpt-4o-mini"))
      #expect(account["accepted"]?.int64 == 1)
      #expect(account["reasons"]?["rate_limit_requests"]?.int64 == 1)
      #expect(account["most_in_flight"]?.int64 == 1)
      #expect(account["in_flight"]?.int64 == 0)
      let timeline = try await live.send(.get, "/_sim/timeline?model=gpt-4o-mini&key=\(Self.key)").json
      let seconds = try #require(timeline["seconds"]?.elements)
      #expect(seconds.reduce(0) { $0 + ($1["accepted"]?.int64 ?? 0) } == 1)
      #expect(seconds.reduce(0) { $0 + ($1["refused"]?.int64 ?? 0) } == 1)
      let none = try await live.send(.get, "/_sim/timeline?model=other").json["seconds"]
      #expect(none?.elements.first { _ in true } == nil)
    }
  }

  @Test func theQuotaGoesAndStaysAway() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let keys = ["sk-test=team", "sk-b=team", "sk-c=others"]
    let id = try await LiveSimulator.run(
      in: scratch.path, keys: keys, change: { ($0.quotaAfterCalls, $0.batchValidateMs) = (2, 3000) }
    ) { live async throws -> String in
      let id = try await live.start([LiveSimulator.row("r", "x")])
      #expect(try await live.chat("a").status == 200)
      #expect(try await live.chat("b", key: "sk-b").status == 200)
      let refusal = try await live.chat("c")
      #expect(refusal.status == 429)
      #expect(try refusal.json["error"]?["code"]?.string == "insufficient_quota")
      #expect(refusal.headers[.retryAfter] == nil)
      #expect(try await live.chat("c", key: "sk-c").status == 200)
      let batch = try await live.wait(for: id)
      #expect(batch["status"]?.string == "failed")
      let problem = batch["errors"]?["data"]?.elements.first { _ in true }
      #expect(problem?["code"]?.string == "billing_hard_limit_reached")
      return id
    }
    try await LiveSimulator.run(
      in: scratch.path, keys: keys, change: { ($0.quotaAfterUSD, $0.quotaCode) = (0.000005, .paymentRequired) }
    ) { live async throws -> Void in
      #expect(try await live.chat("d").status == 402)
      let file = try #require(try await live.send(.get, "/v1/batches/\(id)").json["input_file_id"]?.string)
      let create = #"{"input_file_id":"\#(file)","endpoint":"/v1/chat/completions","completion_window":"24h"}"#
      #expect(try await live.send(.post, "/v1/batches", create).status == 402)
      try await live.change(#"{"quota_after_usd":1}"#)
      #expect(try await live.chat("d").status == 200)
    }
  }

  @Test func keysAreRevokedInMidRun() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      for (list, status, code) in [
        ("revoked_keys", 401, "invalid_api_key"), ("forbidden_keys", 403, "permission_denied"),
        ("no_quota_keys", 429, "insufficient_quota"),
      ] {
        try await live.change(#"{"\#(list)":["sk-test"]}"#)
        let refusal = try await live.chat("a")
        #expect(refusal.status == status)
        #expect(try refusal.json["error"]?["code"]?.string == code)
        #expect(try await live.chat("a", key: "sk-other").status == 200)
        try await live.change(#"{"\#(list)":["*"]}"#)
        #expect(try await live.chat("a", key: "sk-other").status == status)
        try await live.change(#"{"\#(list)":[]}"#)
        #expect(try await live.chat("a").status == 200)
      }
      let shown = try await live.send(.post, "/_sim/faults", #"{"revoked_keys":["sk-secret"]}"#)
      #expect(!String(decoding: shown.body, as: UTF8.self).contains("sk-secret"))
    }
  }

  @Test func callsInAnOutageAreCounted() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      try await live.change(#"{"outage":[{"kind":"503","scope":"calls","model":"gpt-4o-mini","retry_after_ms":1000}]}"#)
      let refusal = try await live.chat("a")
      #expect(refusal.status == 503)
      #expect(refusal.headers[.retryAfterMilliseconds] == "1000")
      #expect(try await live.send(.get, "/v1/batches").status == 200)
      try await live.change(#"{"outage":[{"to_ms":600000,"scope":"batches","kind":"503"}]}"#)
      #expect(try await live.send(.get, "/v1/batches").status == 503)
      #expect(try await live.chat("a").status == 200)
      try await live.change(#"{"outage":[{"from_ms":600000,"kind":"hang"}]}"#)
      #expect(try await live.chat("a").status == 200)
      let stats = try await live.send(.get, "/_sim/stats").json
      #expect(stats["outage"]?["calls"]?.int64 == 2)
      #expect(entry(stats["outage"]?["by"], "kind", "call")?["calls"]?.int64 == 1)
      #expect(entry(stats["outage"]?["by"], "kind", "list")?["calls"]?.int64 == 1)
      #expect(stats["outage"]?["seconds"]?.elements.reduce(0) { $0 + ($1["calls"]?.int64 ?? 0) } == 2)
      #expect(stats["paid"]?.int64 == 2)
    }
  }

  /// The test's client has one connection and is of no use once that is cut.
  @Test(arguments: ["refuse", "hang"]) func anOutageWithoutAnswersIsNotPaid(kind: String) async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.hangMs = 20 }) { live async throws -> Void in
      try await live.change(#"{"outage":[{"kind":"\#(kind)"}]}"#)
      await #expect(throws: (any Error).self) { try await live.chat("a") }
      let responder = live.simulator.responder
      #expect(responder.paid.summary.sequence == 0)
      let state = responder.traffic.snapshot
      #expect(state.outageCalls == [Traffic.KindKey(key: Self.key, kind: .call): 1])
      #expect(state.agents["a test"]?.refused == 1)
    }
  }

  @Test func tooManyEnqueuedTokensFailTheBatchLater() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.enqueuedTokens = 1000 }) { live async throws -> Void in
      let text = String(repeating: "word ", count: 600)
      let id = try await live.start((0..<2).map { LiveSimulator.row("\($0)", text) })
      let batch = try await live.wait(for: id)
      #expect(batch["status"]?.string == "failed")
      let problem = batch["errors"]?["data"]?.elements.first { _ in true }
      #expect(problem?["code"]?.string == "token_limit_exceeded")
      #expect(
        problem?["message"]?.string == "Enqueued token limit reached for gpt-4o-mini in organization org-simulator. "
          + "Limit: 1,000 enqueued tokens. Please try again once some in_progress batches have been completed.")
      let accounts = try await live.send(.get, "/_sim/stats").json["traffic"]?["accounts"]
      #expect(entry(accounts, "model", "gpt-4o-mini")?["reasons"]?["enqueued_tokens"]?.int64 == 1)
    }
  }

  @Test func aCancelHalfWayLeavesWhatWasDone() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchMinMs = 2000 }) { live async throws -> Void in
      let id = try await live.start((0..<40).map { LiveSimulator.row("r-\($0)", "question \($0)") })
      let running = try await live.wait(for: id) { $0["request_counts"]?["completed"]?.int64 ?? 0 >= 10 }
      #expect(running["status"]?.string == "in_progress")
      #expect(try await live.send(.post, "/v1/batches/\(id)/cancel").status == 200)
      let batch = try await live.wait(for: id)
      #expect(batch["status"]?.string == "cancelled")
      let output = try await live.results(batch, "output_file_id")
      let errors = try await live.results(batch, "error_file_id")
      #expect((10..<40).contains(output.count))
      #expect(output.count + errors.count == 40)
      #expect(try await live.stat("batch_rows") == Int64(output.count))
      #expect(errors.values.allSatisfy { $0["error"]?["code"]?.string == "batch_cancelled" })
    }
  }
}
