import BatchCore
import Testing

@testable import Providers

/// Answers that were damaged at random. Nothing may trap; what is read is not judged.
@Suite(.timeLimit(.minutes(5)))
struct ParserFuzzTests {
  private static let samples = [
    #"{"id":"batch_1","status":"completed","errors":{"object":"list","data":[{"code":"invalid_json_line","message":"m","line":3}]},"output_file_id":"file-out","created_at":1790000000,"expires_at":"2026-09-21T14:13:20.5+02:00","request_counts":{"total":2,"completed":2,"failed":0},"metadata":{"millrace_label":"L"}}"#,
    #"{"object":"list","data":[{"id":"b1","status":"failed","created_at":9,"metadata":{"millrace_label":"L"}}],"last_id":"b1","has_more":true}"#,
    #"{"custom_id":"r-1","response":{"status_code":200,"request_id":"q","body":{"usage":{"prompt_tokens":100,"completion_tokens":40,"prompt_tokens_details":{"cached_tokens":64}}}},"error":null}"#
      + "\n" + #"{"custom_id":"r-3","response":null,"error":{"code":"batch_expired","message":"m"}}"# + "\n",
    #"{"error":{"message":"Request too large \u00e4 \ud83d\ude00","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
    #"{"usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":8},"output_tokens":9}}"#,
    MessageSamples.running, MessageSamples.ended("b", succeeded: 1), MessageSamples.error("overloaded_error"),
    MessageSamples.results.joined(separator: "\n"),
    #"{"data":[{"id":"b","processing_status":"ended"}],"has_more":true,"last_id":"b"}"#,
    GeminiSamples.running, GeminiSamples.answer, GeminiSamples.quota, GeminiSamples.results.joined(separator: "\n"),
    #"{"operations":[{"name":"batches/1","metadata":{"displayName":"L"}}],"nextPageToken":"1"}"#,
    MistralSamples.job, MistralSamples.line, MistralSamples.validation, MistralSamples.answer,
    MistralSamples.ended("b"),
    #"{"object":"list","total":2,"data":[{"id":"b","status":"RUNNING","created_at":9,"input_files":["f"]}]}"#,
  ].map { Array($0.utf8) }

  private static let tokens = [
    "null", "{}", "[]", "-1", "1e999", "9223372036854775807", "\"\"", "\n", "\r\n", "{", "]",
  ]
  .map { Array($0.utf8) }

  private static func damage(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
      let place = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
      case 3: bytes.removeSubrange(place...)
      case 4:
        let token = tokens[Int.random(in: 0..<tokens.count, using: &random)]
        let end = min(bytes.count, place + Int.random(in: 0...12, using: &random))
        bytes.replaceSubrange(place..<end, with: token)
      default:
        let end = min(bytes.count, place + 20)
        bytes.insert(contentsOf: Array(bytes[place..<end]), at: place)
      }
    }
    return bytes
  }

  @Test(arguments: 0..<30)
  func nothingTraps(seed: UInt64) async {
    var random = SeededGenerator(seed: seed)
    let body = RequestBody(bytes: Array(#"{"model":"m"}"#.utf8), modelRange: 9..<12)
    let call = ProviderCall(endpoint: .responses, model: "n", body: body, timeout: .seconds(1))
    for _ in 0..<100 {
      let sample = Self.samples[Int.random(in: 0..<Self.samples.count, using: &random)]
      let damaged = Self.damage(sample, &random)
      let status = Int.random(in: 190..<610, using: &random)
      let outcome = await makeProvider(ScriptedHTTP(.bytes(status, damaged))).call(call)
      #expect((outcome.disposition == .succeeded) == ((200..<300).contains(status) && !damaged.isEmpty))
      #expect(outcome.message.utf8.count < 700)

      let success = ScriptedHTTP.Step.bytes(200, damaged)
      _ = try? await makeProvider(ScriptedHTTP(success)).retrieve("b")
      _ = try? await makeProvider(ScriptedHTTP(success)).findBatches(
        BatchSearch(label: "L", createdAfter: testNow, rowCount: 1))
      _ = try? await makeProvider(ScriptedHTTP(success)).findFile(label: "L")
      let anthropic = makeAnthropic(ScriptedHTTP(success))
      _ = await anthropic.call(call)
      _ = try? await makeAnthropic(ScriptedHTTP(success)).retrieve("b")
      _ = try? await makeAnthropic(ScriptedHTTP(success)).findBatches(
        BatchSearch(label: "L", createdAfter: testNow, rowCount: 1))
      _ = await makeGemini(ScriptedHTTP(.bytes(status, damaged))).call(call)
      _ = try? await makeGemini(ScriptedHTTP(success)).retrieve("b")
      _ = try? await makeGemini(ScriptedHTTP(success)).findBatches(
        BatchSearch(label: "L", createdAfter: testNow, rowCount: 1))
      _ = try? await makeGemini(ScriptedHTTP(success)).findFile(label: "L")
      let mistral = makeMistral(ScriptedHTTP(success))
      _ = await mistral.call(call)
      _ = try? await makeMistral(ScriptedHTTP(success)).retrieve("b")
      _ = try? await makeMistral(ScriptedHTTP(success)).findBatches(
        BatchSearch(label: "L", createdAfter: testNow, rowCount: 1))
      _ = try? await makeMistral(ScriptedHTTP(success)).findFile(label: "L")
      let split = Int.random(in: 0...damaged.count, using: &random)
      let chunks = [Array(damaged[..<split]), Array(damaged[split...])]
      let source = try? await makeProvider(ScriptedHTTP(.stream(200, chunks))).results(fileID: "f")
      let messages = try? await makeAnthropic(ScriptedHTTP(.stream(200, chunks))).results(fileID: "f")
      let generated = try? await makeGemini(ScriptedHTTP(.stream(200, chunks))).results(fileID: "f")
      let lines = try? await makeMistral(ScriptedHTTP(.stream(200, chunks))).results(fileID: "f", of: .chatCompletions)
      for source in [source, messages, generated, lines] {
        while let results = try? await source?.next() {
          #expect(results.allSatisfy { !$0.customID.isEmpty })
        }
      }
    }
  }

  @Test(arguments: 0..<10)
  func headersNeverTrap(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let values = ["6m0s", "1.5", "Mon, 21 Sep 2026 14:13:50 GMT", "2026-09-21T14:13:20.5+02:00", "149984"]
    for _ in 0..<500 {
      let damaged = Self.damage(Array(values[Int.random(in: 0..<values.count, using: &random)].utf8), &random)
      let value = String(decoding: damaged, as: UTF8.self)
      for name in ["retry-after-ms", "retry-after", "x-ratelimit-reset-tokens"] {
        let wait = RetryAfter.parse(HTTPExchange.Response(status: 429, headers: [(name, value)]), now: testNow)
        #expect(wait.map { $0 >= .zero } ?? true)
      }
      _ = ProviderTime.rfc3339(value)
      _ = ProviderTime.httpDate(value)
    }
  }
}
