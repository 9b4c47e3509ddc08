import HTTPTypes
import HummingbirdTesting
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct LiveBatchTests {
  private let rows = (0..<600).map { LiveSimulator.row("r-\($0)", "question \($0)") }

  @Test func rowsAreAnsweredAndPaidOnce() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { [rows] live async throws -> Void in
      let batch = try await live.wait(for: live.start(rows))
      #expect(batch["status"]?.string == "completed")
      #expect(batch["request_counts"]?["completed"]?.int64 == 600)
      #expect(batch["error_file_id"]?.isNull == true)
      let output = try await live.results(batch, "output_file_id")
      #expect(output.count == 600)
      for number in 0..<600 {
        let digest = Bytes.sha256(Array("question \(number)".utf8)).prefix(8)
        let expected = "echo \(String(decoding: Bytes.hex(digest), as: UTF8.self)) question \(number)"
        let body = output["r-\(number)"]?["response"]?["body"]
        let choice = body?["choices"]?.elements.first { _ in true }
        #expect(choice?["message"]?["content"]?.string == expected)
      }
      let log = try await live.log()
      #expect(Set(log.compactMap { $0["custom_id"]?.string }).count == 600)
      #expect(log.count == 600)
      #expect(try await live.stat("duplicate_payments") == 0)
    }
  }

  @Test func everyFileIsReadByItsOwnerOnly() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, keys: ["sk-a=one", "sk-b=one", "sk-c=two", "sk-test"]) {
      live async throws -> Void in
      let uploaded = try await live.upload("x")
      let id = try #require(try uploaded.json["id"]?.string)
      #expect(try await live.send(.get, "/v1/files/\(id)", key: "sk-c").status == 404)
      #expect(try await live.send(.delete, "/v1/files/\(id)", key: "sk-c").status == 404)
      #expect(try await live.send(.get, "/v1/files/\(id)", key: "sk-unknown").status == 401)
      #expect(try await live.send(.get, "/v1/files/\(id)").status == 200)
      #expect(try await live.send(.delete, "/v1/files/\(id)").status == 200)
      #expect(try await live.send(.get, "/v1/files/\(id)/content").status == 404)
    }
  }

  @Test func uploadsAreChecked() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.maxFileBytes = 1000 }) { live async throws -> Void in
      let refusals = [
        try await live.upload("x", name: "in.txt"), try await live.upload("x", purpose: "nonsense"),
        try await live.upload(String(repeating: "x", count: 1001)),
        try await live.send(.post, "/v1/files", "--B\r\n", type: "multipart/form-data; boundary=B"),
        try await live.send(.post, "/v1/files", "x", type: "text/plain"),
      ]
      for refusal in refusals {
        #expect(refusal.status == 400)
        #expect(try refusal.json["error"]?["type"]?.string == "invalid_request_error")
      }
      #expect(try await live.upload(String(repeating: "x", count: 1000)).status == 200)
      #expect(try await live.send(.get, "/v1/files").json["data"]?.elements.reduce(0) { count, _ in count + 1 } == 1)
    }
  }

  @Test func stopAndStartInTheMiddleOfABatch() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    // Retryable failures and missing lines too: what was paid for keeps its outcome.
    let change: @Sendable (inout Behaviour) -> Void = {
      ($0.faultLineError, $0.faultLineMissing) = (0.1, 0.1)
    }
    let id = try await LiveSimulator.run(
      in: scratch.path,
      change: {
        change(&$0)
        $0.batchMinMs = 600_000
      }
    ) { [rows] live async throws -> String in
      let id = try await live.start(rows)
      _ = try await live.wait(for: id) { $0["request_counts"]?["completed"]?.int64 ?? 0 > 0 }
      return id
    }
    try await LiveSimulator.run(in: scratch.path, change: change) { live async throws -> Void in
      let before = try await live.log()
      #expect(!before.isEmpty)
      let batch = try await live.wait(for: id)
      #expect(batch["status"]?.string == "completed")
      let log = try await live.log()
      let paid = log.compactMap { $0["custom_id"]?.string }
      #expect(Set(paid).count == paid.count, "a row was paid for twice")
      let missing = Set(log.filter { $0["fault"]?.string == "missing" }.compactMap { $0["custom_id"]?.string })
      let output = try await live.results(batch, "output_file_id")
      let errors = try await live.results(batch, "error_file_id")
      #expect(Set(output.keys) == Set(paid).subtracting(missing))
      #expect(output.count + errors.count + missing.count == 600)
      #expect(!missing.isEmpty && !errors.isEmpty)
      #expect(batch["request_counts"]?["completed"]?.int64 == Int64(paid.count))
    }
    // A finished batch and its files are still there, and are not run again.
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let paid = try await live.stat("paid")
      let batch = try await live.send(.get, "/v1/batches/\(id)").json
      #expect(batch["status"]?.string == "completed")
      let output = try await live.results(batch, "output_file_id")
      #expect(!output.isEmpty)
      #expect(try await live.stat("paid") == paid)
    }
  }

  @Test func inputDeletedBeforeValidationFailsTheBatch() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchValidateMs = 3000 }) {
      [rows] live async throws -> Void in
      let id = try await live.start(rows)
      let file = try #require(try await live.send(.get, "/v1/batches/\(id)").json["input_file_id"]?.string)
      #expect(try await live.send(.delete, "/v1/files/\(file)").status == 200)
      let batch = try await live.wait(for: id)
      #expect(batch["status"]?.string == "failed")
      #expect(batch["errors"]?["data"]?.elements.first { _ in true }?["code"]?.string == "invalid_file")
      #expect(try await live.stat("paid") == 0)
    }
  }

  @Test func inputDeletedWhileRunningIsReadToItsEnd() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchMinMs = 2000 }) {
      [rows] live async throws -> Void in
      let id = try await live.start(rows)
      let running = try await live.wait(for: id) { $0["status"]?.string == "in_progress" }
      let file = try #require(running["input_file_id"]?.string)
      #expect(try await live.send(.delete, "/v1/files/\(file)").status == 200)
      let batch = try await live.wait(for: id)
      #expect(batch["request_counts"]?["completed"]?.int64 == 600)
    }
  }

  @Test func cancelBeforeValidation() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchValidateMs = 60_000 }) {
      [rows] live async throws -> Void in
      let id = try await live.start(rows)
      let answer = try await live.send(.post, "/v1/batches/\(id)/cancel")
      #expect(try answer.json["status"]?.string == "cancelling")
      let batch = try await live.wait(for: id)
      #expect(batch["status"]?.string == "cancelled")
      #expect(try await live.stat("paid") == 0)
    }
  }

  @Test func controlFaultsPass() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.faultControl5xx = 0.5 }) { live async throws -> Void in
      var statuses: Set<Int> = []
      for _ in 0..<40 { statuses.insert(try await live.send(.get, "/v1/batches").status) }
      #expect(statuses == [200, 500])
    }
  }

  @Test func creationIsLimitedByTheHour() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.batchCreatesPerHour = 3 }) {
      [rows] live async throws -> Void in
      for _ in 0..<3 { _ = try await live.start(Array(rows.prefix(1))) }
      let file = try #require(try await live.upload(rows[0]).json["id"]?.string)
      let answer = try await live.send(
        .post, "/v1/batches",
        #"{"input_file_id":"\#(file)","endpoint":"/v1/chat/completions","completion_window":"24h"}"#)
      #expect(answer.status == 429)
      let wait = answer.headers[.retryAfter].flatMap { Int($0) }
      #expect((1100...1200).contains(wait ?? 0), "\(String(describing: wait))")
    }
  }
}
