import BatchCore
import Providers
import Testing

@Suite(.timeLimit(.minutes(4)))
struct AnthropicSearchTests {
  // 2026-11-23T10:00:00Z
  private static let intent = Timestamp(milliseconds: 1_795_428_000_000)

  private static func page(_ batches: [String], more: String? = nil) -> ScriptedHTTP.Step {
    let last = more.map { "\"\($0)\"" } ?? "null"
    return .answer(
      200, [],
      #"{"data":[\#(batches.joined(separator: ","))],"has_more":\#(more != nil),"first_id":null,"last_id":\#(last)}"#)
  }

  private static func firstLine(_ customID: String) -> ScriptedHTTP.Step {
    // In two pieces: a line is read to its end.
    let line = #"{"custom_id":"\#(customID)","result":{"type":"succeeded"}}"# + "\n{broken"
    return .stream(200, [Array(line.utf8.prefix(14)), Array(line.utf8.dropFirst(14))])
  }

  private func find(_ http: ScriptedHTTP, others: Set<String> = []) async throws(ProviderError) -> [String] {
    try await makeAnthropic(http)
      .findBatches(
        BatchSearch(label: "mr-7", createdAfter: Self.intent, rowCount: 3, otherBatches: others)
      )
      .map(\.id)
  }

  @Test func theFirstResultTells() async throws {
    let http = ScriptedHTTP(
      Self.page([
        MessageSamples.ended("foreign", succeeded: 3), MessageSamples.ended("larger", succeeded: 4),
        MessageSamples.ended("own", succeeded: 2, errored: 1),
        MessageSamples.ended("old", succeeded: 3, created: "2026-11-23T09:00:00Z"),
      ]),
      Self.firstLine("mr-77_1_1"), Self.firstLine("mr-7_1_1"))
    #expect(try await find(http) == ["own"])
    #expect(
      await http.sent.map(\.line) == [
        "GET https://api.example.test/v1/messages/batches?limit=100",
        "GET https://api.example.test/v1/messages/batches/foreign/results",
        "GET https://api.example.test/v1/messages/batches/own/results",
      ])
  }

  /// While a batch runs nobody can tell whose it is: then nothing is found and nothing is missing.
  @Test func whatStillRunsKeepsTheSearchOpen() async throws {
    let running = MessageSamples.running.replacing(#""processing":1"#, with: #""processing":3"#)
    let error = await errorOf { () throws(ProviderError) in try await find(ScriptedHTTP(Self.page([running]))) }
    #expect(error?.reason == .unavailable(retryAfter: nil))
    #expect(error?.message.contains("msgbatch_1") == true)
    // Another number of rows, or one of ours under another label, is not in the way.
    #expect(try await find(ScriptedHTTP(Self.page([MessageSamples.running]))) == [])
    #expect(try await find(ScriptedHTTP(Self.page([running])), others: ["msgbatch_1"]) == [])
    // Ended, with its results not shown yet.
    let hidden = MessageSamples.ended("own", succeeded: 3, hasResults: false)
    #expect(
      await errorOf { () throws(ProviderError) in try await find(ScriptedHTTP(Self.page([hidden]))) } != nil)
    // One that is ours is enough.
    let both = ScriptedHTTP(
      Self.page([running, MessageSamples.ended("own", succeeded: 3)]), Self.firstLine("mr-7_1_1"))
    #expect(try await find(both) == ["own"])
  }

  @Test func pagesAreReadBackToTheIntent() async throws {
    let http = ScriptedHTTP(
      Self.page([MessageSamples.ended("a", succeeded: 9)], more: "a"),
      Self.page([MessageSamples.ended("b", succeeded: 9, created: "2026-11-23T09:00:00Z")], more: "b"))
    #expect(try await find(http) == [])
    #expect(
      await http.sent.last?.line == "GET https://api.example.test/v1/messages/batches?limit=100&after_id=a")
  }

  @Test func aListThatMakesNoSenseIsNoAnswer() async {
    for step in [.answer(200, [], "{}"), .answer(500), .answer(200, [], #"{"data":[],"has_more":true}"#)]
      as [ScriptedHTTP.Step]
    {
      let error = await errorOf { () throws(ProviderError) in try await find(ScriptedHTTP(step)) }
      if case .answer(200, _, let body) = step, body.contains("data") {
        // An empty page ends the list, whatever it says.
        #expect(error == nil)
      } else {
        #expect(error != nil)
      }
    }
  }
}
