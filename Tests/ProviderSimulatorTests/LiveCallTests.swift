import HTTPTypes
import HummingbirdTesting
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct LiveCallTests {
  @Test func answeredAndPaid() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let answer = try await live.chat("hello")
      #expect(answer.status == 200)
      #expect(answer.headers[.requestID]?.hasPrefix("req_") == true)
      let entry = try #require(try await live.log().first)
      #expect(entry["kind"]?.string == "sync")
      #expect(entry["prompt_key"]?.string == "hello")
      #expect(entry["output_tokens"]?.int64 == (try answer.json["usage"]?["completion_tokens"]?.int64))
      // 8 x 150,000 + 14 x 600,000
      #expect(entry["pico_usd"]?.int64 == 9_600_000)
      #expect(try await live.stat("pico_usd") == 9_600_000)
      #expect(try await live.send(.get, "/_sim/stats").json["usd"]?.string == "0.0000096")
      _ = try await live.chat("hello")
      #expect(try await live.stat("duplicate_payments") == 1)
    }
  }

  @Test func refusedIsNotPaid() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let expected = [
        ("a [[sim:reject]]", "sk-test", 400), ("b [[sim:503]]", "sk-test", 503), ("b [[sim:429]]", "sk-test", 429),
        ("c", "sk-revoked", 401), ("c", "sk-billing", 429), ("c", "other", 401),
      ]
      for (text, key, status) in expected { #expect(try await live.chat(text, key: key).status == status) }
      for (uri, status) in [("/v1/nothing", 404), ("/v1/files/file-x", 404), ("/v1/batches/batch_x", 404)] {
        #expect(try await live.send(.get, uri).status == status)
      }
      #expect(try await live.send(.get, "/v1/chat/completions").status == 405)
      #expect(try await live.send(.post, "/v1/embeddings", "{").status == 400)
      #expect(try await live.stat("paid") == 0)
    }
  }

  /// The test's client has one connection and is of no use once that is cut, hence a start for each step.
  @Test func hungAndCutArePaid() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.hangMs = 20 }) { live async throws -> Void in
      await #expect(throws: (any Error).self) { try await live.chat("[[sim:hang]]") }
    }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      #expect(try await live.log().map { $0["fault"]?.string } == ["hang"])
      await #expect(throws: (any Error).self) { try await live.chat("[[sim:cut]]") }
    }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      #expect(try await live.log().map { $0["fault"]?.string } == ["hang", "cut"])
      // These are second attempts: the witness remembers both prompts over the restarts.
      #expect(try await live.chat("[[sim:hang]]").status == 200)
      #expect(try await live.chat("[[sim:cut]]").status == 200)
      #expect(try await live.stat("duplicate_payments") == 2)
    }
  }

  @Test func limitsAreToldAndKept() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path,
      change: {
        $0.rpm = 2
        $0.tpm = 1000
      }
    ) { live async throws -> Void in
      let first = try await live.chat("a")
      #expect(first.headers[.limitRequests] == "2")
      #expect(first.headers[.remainingRequests] == "1")
      #expect(first.headers[.limitTokens] == "1000")
      #expect(try await live.chat("b").status == 200)
      let third = try await live.chat("c")
      #expect(third.status == 429)
      #expect(third.headers[.retryAfterMilliseconds].flatMap { Int($0) } ?? 0 > 20_000)
      #expect(try await live.chat("d", key: "sk-other").status == 200)
      #expect(try await live.stat("sync_calls") == 3)
    }
  }

  @Test func administration() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      #expect(try await live.send(.get, "/_sim/health").status == 200)
      #expect(try await live.send(.post, "/_sim/faults", #"{"fault_5xx":1}"#).status == 200)
      #expect((500...503).contains(try await live.chat("x").status))
      #expect(try await live.send(.get, "/_sim/faults").json["fault_5xx"]?.double == 1)
      let wrong = try await live.send(.post, "/_sim/faults", #"{"fault_5xx":0,"oops":1}"#)
      #expect(wrong.status == 400)
      #expect((500...503).contains(try await live.chat("x").status))
      #expect(try await live.send(.post, "/_sim/faults", #"{"fault_5xx":0}"#).status == 200)
      #expect(try await live.chat("x").status == 200)
      let id = try await live.start((0..<600).map { LiveSimulator.row("\($0)", "\($0)") })
      _ = try await live.wait(for: id)
      #expect(try await live.stat("paid") == 601)
      #expect(try await live.send(.post, "/_sim/reset").status == 200)
      #expect(try await live.log().isEmpty)
      #expect(try await live.stat("paid") == 0)
      #expect(try await live.send(.get, "/v1/batches/\(id)").status == 404)
      #expect(try await live.chat("x").status == 200)
      #expect(try await live.log().map { $0["seq"]?.int64 } == [1])
    }
  }

  @Test func resetStopsWhatRuns() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchMinMs = 600_000 }) { live async throws -> Void in
      let rows = (0..<600).map { LiveSimulator.row("\($0)", "\($0)") }
      let id = try await live.start(rows)
      _ = try await live.wait(for: id) { $0["request_counts"]?["completed"]?.int64 ?? 0 > 0 }
      #expect(try await live.send(.post, "/_sim/reset").status == 200)
      #expect(try await live.send(.post, "/_sim/faults", #"{"zero_latency":true}"#).status == 200)
      // A batch after it runs to its end alone.
      let next = try await live.wait(for: live.start(rows))
      #expect(next["request_counts"]?["completed"]?.int64 == 600)
      #expect(try await live.stat("paid") == 600)
    }
  }
}
