import BatchCore
import Providers
import Testing

private func read(
  _ chunks: [[UInt8]], then failure: HTTPExchange.Failure? = nil, maximumLineBytes: Int = 64 << 20
) async -> (results: [BatchResult], batches: [Int], unreadable: Int, error: ProviderError?) {
  let provider = makeProvider(ScriptedHTTP(.stream(200, chunks, failure))) {
    $0.maximumResponseBytes = maximumLineBytes
  }
  var results: [BatchResult] = []
  var batches: [Int] = []
  do {
    let source = try await provider.results(fileID: "file-out")
    do {
      while let more = try await source.next() {
        results += more
        batches.append(more.count)
      }
      return (results, batches, source.unreadableLines, nil)
    } catch {
      return (results, batches, source.unreadableLines, error)
    }
  } catch {
    return (results, batches, 0, error)
  }
}

private func readOne(_ line: String) async -> BatchResult? {
  await read([Array(line.utf8)]).results.first
}

@Suite(.timeLimit(.minutes(4)))
struct ResultFileTests {
  @Test func aSuccess() async {
    let line =
      #"{"id":"batch_req_1","custom_id":"r-1","response":{"status_code":200,"request_id":"req_1","body": {"object" : "chat.completion","usage":{"prompt_tokens":3,"completion_tokens":4}} },"error":null}"#
    let body = #"{"object" : "chat.completion","usage":{"prompt_tokens":3,"completion_tokens":4}}"#
    #expect(
      await readOne(line + "\n")
        == BatchResult(
          customID: "r-1", disposition: .succeeded,
          response: ProviderResponse(statusCode: 200, requestID: "req_1", body: Array(body.utf8)),
          usage: Usage(inputTokens: 3, cachedInputTokens: 0, outputTokens: 4), message: ""))
  }

  @Test func aRefusal() async {
    let body = #"{"error":{"message":"No.","type":"invalid_request_error","param":null,"code":null}}"#
    let line =
      #"{"id":"batch_req_2","custom_id":"r-2","response":{"status_code":400,"request_id":"req_2","body":\#(body)},"error":null}"#
    #expect(
      await readOne(line)
        == BatchResult(
          customID: "r-2", disposition: .rejected,
          response: ProviderResponse(statusCode: 400, requestID: "req_2", body: Array(body.utf8)), usage: nil,
          message: "openai answered 400 (invalid_request_error): No."))
  }

  @Test func notExecuted() async {
    let line =
      #"{"id":"batch_req_3","custom_id":"r-3","response":null,"error":{"code":"batch_expired","message":"Too late."}}"#
    #expect(
      await readOne(line)
        == BatchResult(
          customID: "r-3", disposition: .notExecuted(.expired), response: nil, usage: nil,
          message: "openai did not answer (batch_expired): Too late."))
  }

  @Test(arguments: [
    (
      #"{"custom_id":"a","response":{"status_code":429,"body":{"error":{"code":"rate_limit_exceeded"}}}}"#,
      Disposition.rateLimited(retryAfter: nil)
    ),
    (#"{"custom_id":"a","response":{"status_code":500,"body":null}}"#, .retryable(retryAfter: nil)),
    (#"{"custom_id":"a","response":{"status_code":"503","body":"busy"}}"#, .retryable(retryAfter: nil)),
    (
      #"{"custom_id":"a","response":{"status_code":429,"body":{"error":{"type":"insufficient_quota"}}}}"#,
      .accountClosed(.billing)
    ),
    (#"{"custom_id":"a","response":{"body":{"object":"x","error":null}}}"#, .succeeded),
    (#"{"custom_id":"a","response":{"body":{"error":{"message":"m","type":"invalid_request_error"}}}}"#, .rejected),
    (#"{"custom_id":"a","response":{"status_code":99999999999999999999,"body":{}}}"#, .succeeded),
    (#"{"custom_id":"a","response":{"status_code":200,"body":null}}"#, .rejected),
    (#"{"custom_id":"a","error":{"type":"invalid_request_error","message":"m"}}"#, .rejected),
    (#"{"custom_id":"a","error":{"type":"server_error","message":"m"}}"#, .retryable(retryAfter: nil)),
    (#"{"custom_id":"a","response":{},"error":{"code":"batch_cancelled"}}"#, .notExecuted(.cancelled)),
    (#"{"custom_id":"a","response":{"status_code":200,"body":{}},"error":{}}"#, .succeeded),
    (#"{"custom_id":"a","response":{"status_code":200,"body":"text"}}"#, .succeeded),
    (#"{"custom_id":"a"}"#, .retryable(retryAfter: nil)),
  ])
  func shapes(line: String, disposition: Disposition) async {
    let result = await readOne(line)
    #expect(result?.customID == "a")
    #expect(result?.disposition == disposition)
    #expect((result?.disposition == .succeeded) == (result?.message.isEmpty))
  }

  @Test(arguments: ["{}", "[]", "7", #"{"custom_id":7}"#, #"{"custom_id":""}"#, "rubbish", #"{"custom_id":"a""#])
  func linesThatAnswerNobodyAreCounted(line: String) async {
    let found = await read([Array("\(line)\n{\"custom_id\":\"b\"}\n".utf8)])
    #expect(found.results.map(\.customID) == ["b"])
    #expect(found.unreadable == 1)
    #expect(found.error == nil)
  }

  @Test func linesAreSplitByBytesAcrossChunks() async {
    let text =
      "\u{FEFF}{\"custom_id\":\"a\",\"response\":{\"status_code\":200,\"body\":\"x\u{2028}y\u{85}z\"}}\r\n"
      + "\n \r\n{\"custom_id\":\"b\"}\r\n{\"custom_id\":\"c\"}"
    let bytes = Array(text.utf8)
    for size in [1, 2, 3, 7, 1000] {
      let chunks = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
      let found = await read(chunks)
      #expect(found.results.map(\.customID) == ["a", "b", "c"])
      #expect(found.results.first?.response?.body == Array("\"x\u{2028}y\u{85}z\"".utf8))
      #expect(found.unreadable == 0)
      #expect(found.error == nil)
    }
  }

  /// Bytes that are no UTF-8 cost themselves, and neither the row nor the rows around it.
  @Test func brokenTextIsReplaced() async {
    let line = { (id: String) in #"{"custom_id":"\#(id)","response":{"status_code":200,"body":{"text":"caf!"}}}"# }
    func broken(_ id: String) -> [UInt8] { Array(line(id).utf8).map { $0 == UInt8(ascii: "!") ? 0xE9 : $0 } }
    // The last line has no newline.
    let found = await read([broken("a") + [0x0A] + Array(line("b").utf8) + [0x0A] + broken("c")])
    #expect(found.results.map(\.customID) == ["a", "b", "c"])
    #expect(found.results.map(\.disposition) == [.succeeded, .succeeded, .succeeded])
    let bodies = found.results.map { String(decoding: $0.response?.body ?? [], as: UTF8.self) }
    #expect(bodies == ["{\"text\":\"caf\u{FFFD}\"}", "{\"text\":\"caf!\"}", "{\"text\":\"caf\u{FFFD}\"}"])
    #expect(found.unreadable == 0)
    #expect(found.error == nil)
    let cut = await read([Array(broken("a").dropLast(4))])
    #expect(cut.error?.message == "openai: content of file file-out: the file ends within a line")
  }

  @Test func resultsComeInBoundedBatches() async {
    let small = (0..<1000).map { "{\"custom_id\":\"r\($0)\"}\n" }.joined()
    let counted = await read([Array(small.utf8)])
    #expect(counted.batches == Array(repeating: 64, count: 15) + [40])
    #expect(counted.results.map(\.customID) == (0..<1000).map { "r\($0)" })
    let padding = String(repeating: "x", count: 400_000)
    let large = (0..<7).map { "{\"custom_id\":\"r\($0)\",\"pad\":\"\(padding)\"}\n" }.map { Array($0.utf8) }
    #expect(await read(large).batches == [3, 3, 1])
  }

  @Test func aCutFileThrowsAfterWhatItHeld() async {
    let line = Array("{\"custom_id\":\"a\"}\n".utf8)
    let lost = await read([line, line], then: failure(.connectionLost, sent: true))
    #expect(lost.results.count == 2)
    #expect(lost.error?.reason == .unavailable(retryAfter: nil))
    #expect(lost.error?.isAmbiguous == false)
    let cut = await read([line, Array(#"{"custom_id":"b","resp"#.utf8)])
    #expect(cut.results.count == 1)
    #expect(cut.error?.message == "openai: content of file file-out: the file ends within a line")
  }

  @Test func aLineThatIsTooLongKeepsNoOtherBack() async {
    let text =
      "{\"custom_id\":\"a\"}\n{\"custom_id\":\"\(String(repeating: "x", count: 500))\"}\n{\"custom_id\":\"c\"}\n"
    let found = await read([Array(text.utf8)], maximumLineBytes: 100)
    #expect(found.results.map(\.customID) == ["a", "c"])
    #expect(found.unreadable == 1)
  }

  @Test func anEmptyFileHasNoResults() async {
    let found = await read([])
    #expect(found.results.isEmpty)
    #expect(found.error == nil)
  }

  @Test(arguments: [
    (404, ProviderError.Reason.notFound), (500, .unavailable(retryAfter: nil)), (401, .accountClosed(.unauthorised)),
  ])
  func refusals(status: Int, reason: ProviderError.Reason) async throws {
    let http = ScriptedHTTP(.stream(status, [Array(#"{"error":{"message":"#.utf8), Array(#""gone"}}"#.utf8)]))
    let provider = makeProvider(http)
    let error = await errorOf { () throws(ProviderError) in try await provider.results(fileID: "f") }
    #expect(error?.reason == reason)
    if status != 401 { #expect(error?.message == "openai: content of file f: answered \(status): gone") }
    #expect(await http.sent.map(\.line) == ["GET https://api.example.test/v1/files/f/content"])
  }
}
