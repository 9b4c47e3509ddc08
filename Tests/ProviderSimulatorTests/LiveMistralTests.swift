import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing
import Wire

@testable import ProviderSimulator

/// Mistral's dialect.
@Suite(.timeLimit(.minutes(2)))
struct LiveMistralTests {
  private static func body(_ text: String, _ more: String = "") -> String {
    #"{"model":"mistral-small-2603",\#(more)"messages":[{"role":"user","content":"\#(text)"}]}"#
  }

  private static func row(_ id: String, _ text: String, _ more: String = "") -> String {
    #"{"custom_id":"\#(id)","body":{\#(more)"messages":[{"role":"user","content":"\#(text)"}]}}"#
  }

  private func start(_ live: LiveSimulator, _ rows: [String]) async throws -> String {
    let form = """
      --B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--B\r\n\
      Content-Disposition: form-data; name="file"; filename="in.jsonl"\r\n\r\n\(rows.joined(separator: "\n"))\r\n--B--\r\n
      """
    let uploaded = try await live.send(
      .post, "/mistral/v1/files", form, type: "multipart/form-data; boundary=B")
    let file = try #require(try uploaded.json["id"]?.string)
    let created = try await live.send(
      .post, "/mistral/v1/batch/jobs",
      #"{"input_files":["\#(file)"],"endpoint":"/v1/chat/completions","model":"mistral-small-2603","metadata":{"k":"v"}}"#
    )
    #expect(created.status == 200)
    let job = try created.json
    #expect(job["status"]?.string == "QUEUED")
    #expect(job["input_files"]?.elements.map { $0.string } == [file])
    return try #require(job["id"]?.string)
  }

  private func wait(_ live: LiveSimulator, _ id: String) async throws -> JSONSlice {
    while true {
      let job = try await live.send(.get, "/mistral/v1/batch/jobs/\(id)").json
      if let status = job["status"]?.string, !["QUEUED", "RUNNING", "CANCELLATION_REQUESTED"].contains(status) {
        return job
      }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  private func lines(_ live: LiveSimulator, _ job: JSONSlice, _ file: String) async throws -> [JSONSlice] {
    guard let id = job[file]?.string else { return [] }
    let bytes = try await live.send(.get, "/mistral/v1/files/\(id)/content").body
    return try bytes.split(separator: 0x0A).map { try JSONSlice.parse(Array($0)) }
  }

  @Test func chatIsAnswered() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.rpm = 60 }) { live async throws -> Void in
      let answer = try await live.send(.post, "/mistral/v1/chat/completions", Self.body("hello", #""random_seed":1,"#))
      #expect(answer.status == 200)
      #expect(answer.headers[.mistralRequestID]?.hasPrefix("req_") == true)
      #expect(answer.headers[HTTPField.Name("x-ratelimit-limit-req-minute")!] == "60")
      let message = try answer.json["choices"]?.elements.first { _ in true }?["message"]
      #expect(message?["content"]?.string?.hasSuffix(" hello") == true)
      #expect(message?["tool_calls"]?.isNull == true)
      let thought = try await live.send(
        .post, "/mistral/v1/chat/completions", Self.body("hello", #""reasoning_effort":"high","#))
      let chunks = try thought.json["choices"]?.elements.first { _ in true }?["message"]?["content"]
      #expect(chunks?.elements.map { $0["type"]?.string } == ["thinking", "text"])
      let embedded = try await live.send(
        .post, "/mistral/v1/embeddings", #"{"model":"mistral-embed","input":["a"],"output_dimension":24}"#)
      #expect(try embedded.json["id"]?.string != nil)
      #expect(
        try embedded.json["data"]?.elements.first { _ in true }?["embedding"]?.elements.reduce(0) { sum, _ in sum + 1 }
          == 24)
      let costs = try await live.log().map { $0["pico_usd"]?.int64 ?? 0 }
      #expect(costs.count == 3 && costs.allSatisfy { $0 > 0 })
    }
  }

  @Test func refusalsSpeakTheDialect() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let cases: [(String, String, Int, String)] = [
        (Self.body("x", #""max_completion_tokens":1,"#), "sk-a", 422, "extra_forbidden"),
        (Self.body("x", #""temperature":1.6,"#), "sk-a", 422, "less_than_equal"),
        (Self.body("x", #""tools":[{"type":"function","function":{"name":"f"}}],"#), "sk-a", 422, "missing"),
        (Self.body("x", #""tool_choice":"must","#), "sk-a", 422, "enum"),
        (Self.body("x").replacing("user", with: "developer"), "sk-a", 422, "literal_error"),
        (Self.body("x").replacing(#""content""#, with: #""name":"n","content""#), "sk-a", 422, "extra_forbidden"),
        (#"{"model":"m"}"#, "sk-a", 422, "missing"),
        (Self.body("[[sim:429]]"), "sk-a", 429, "rate_limited"),
        (Self.body("[[sim:500]]"), "sk-a", 500, "server_error"),
        (Self.body("x").replacing("mistral-", with: "missing-"), "sk-a", 400, "invalid_model"),
      ]
      for (body, key, status, type) in cases {
        let answer = try await live.send(.post, "/mistral/v1/chat/completions", body, key: key)
        #expect(answer.status == status, "\(body)")
        let json = try answer.json
        let found = status == 422 ? json["detail"]?.elements.first { _ in true }?["type"] : json["type"]
        #expect(found?.string == type, "\(body)")
      }
      let stranger = try await live.send(.post, "/mistral/v1/chat/completions", Self.body("x"), key: "sk-revoked")
      #expect(stranger.status == 401)
      #expect(try stranger.json["message"]?.string == "Unauthorized")
      let call = #"{"id":"call_1","function":{"name":"f","arguments":"{}"}}"#
      let message = #"{"role":"assistant","content":"","tool_calls":[\#(call)]}"#
      let odd = try await live.send(
        .post, "/mistral/v1/chat/completions", #"{"model":"m","messages":[\#(message)]}"#)
      #expect(odd.status == 400)
      #expect(try odd.json["code"]?.string == "3280")
    }
  }

  @Test func jobsEndWithALineARow() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let rows = (0..<40).map { Self.row("r-\($0)", "question \($0)") } + [Self.row("bad", "[[sim:reject]]")]
      let job = try await wait(live, try await start(live, rows))
      #expect(job["status"]?.string == "SUCCESS")
      #expect(job["error_file"]?.isNull == true)
      let counts = ["total", "completed", "succeeded", "failed"].map { job["\($0)_requests"]?.int64 }
      #expect(counts == [41, 41, 40, 1])
      let found = try await lines(live, job, "output_file")
      #expect(Set(found.compactMap { $0["custom_id"]?.string }).count == 41)
      #expect(found.count { $0["response"]?["status_code"]?.int64 == 400 } == 1)
      // The job's own prices and model, since the rows name none.
      #expect(try await live.log().allSatisfy { $0["model"]?.string == "mistral-small-2603" })

      let listed = try await live.send(.get, "/mistral/v1/batch/jobs?page=0&page_size=10").json
      #expect(listed["total"]?.int64 == 1)
      let later = try await live.send(.get, "/mistral/v1/batch/jobs?created_after=2126-01-01T00%3A00%3A00Z").json
      #expect(later["total"]?.int64 == 0)
      let files = try await live.send(.get, "/mistral/v1/files?search=in.json&purpose=batch").json
      #expect(files["total"]?.int64 == 1)
    }
  }

  @Test func linesNameNoModelAndNoAddress() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let named = Self.row("r", "x", #""model":"m","#)
      let addressed = #"{"custom_id":"r","method":"POST","url":"/v1/chat/completions","body":{"messages":[]}}"#
      for rows in [[named], [addressed]] {
        let job = try await wait(live, try await start(live, rows))
        #expect(job["status"]?.string == "FAILED")
        #expect(job["errors"]?.elements.first { _ in true }?["count"]?.int64 == 1)
      }
      try await live.change(#"{"mistral_model_in_job_only":false}"#)
      #expect(try await wait(live, try await start(live, [named]))["status"]?.string == "SUCCESS")
    }
  }

  @Test func whatWasNotRunIsNotSpokenOf() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchMinMs = 60_000 }) { live async throws -> Void in
      let id = try await start(live, (0..<50).map { Self.row("c-\($0)", "c \($0)") })
      while try await live.send(.get, "/mistral/v1/batch/jobs/\(id)").json["status"]?.string == "QUEUED" {
        try await Task.sleep(for: .milliseconds(2))
      }
      let cancelled = try await live.send(.post, "/mistral/v1/batch/jobs/\(id)/cancel").json
      #expect(cancelled["status"]?.string == "CANCELLATION_REQUESTED")
      let job = try await wait(live, id)
      #expect(job["status"]?.string == "CANCELLED")
      let count = try await lines(live, job, "output_file").count + lines(live, job, "error_file").count
      #expect(Int64(count) == job["completed_requests"]?.int64 && count < 50)
      #expect(try await live.send(.post, "/mistral/v1/batch/jobs/\(id)/cancel").status == 409)
    }
  }

  @Test func failuresMayBeOfNobody() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path,
      change: {
        $0.mistralAnonymousErrors = true
        $0.mistralErrorsInOutput = false
      }
    ) { live async throws -> Void in
      let job = try await wait(live, try await start(live, [Self.row("a", "x"), Self.row("b", "[[sim:reject]]")]))
      #expect(try await lines(live, job, "output_file").compactMap { $0["custom_id"]?.string } == ["a"])
      let errors = try await lines(live, job, "error_file")
      #expect(errors.count == 1 && errors[0]["custom_id"] == nil)
    }
  }

  @Test func jobsSurviveARestart() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let id = try await LiveSimulator.run(in: scratch.path, change: { $0.batchMinMs = 60_000 }) { live async throws in
      try await start(live, [Self.row("a", "x")])
    }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let job = try await wait(live, id)
      #expect(job["status"]?.string == "SUCCESS")
      #expect(job["endpoint"]?.string == "/v1/chat/completions")
      #expect(job["metadata"]?["k"]?.string == "v")
    }
  }
}
