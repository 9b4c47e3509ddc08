import BatchCore
import Providers
import Testing

@Suite(.timeLimit(.minutes(4)))
struct MistralSearchTests {
  // 2026-11-23T10:00:00Z
  private static let intent = Timestamp(milliseconds: 1_795_428_000_000)
  private static let list = "GET https://api.example.test/v1/batch/jobs?order_by=-created&created_after="

  private static func page(_ jobs: [String], total: Int?) -> ScriptedHTTP.Step {
    let count = total.map { #","total":\#($0)"# } ?? ""
    return .answer(200, [], #"{"object":"list","data":[\#(jobs.joined(separator: ","))]\#(count)}"#)
  }

  private func find(_ http: ScriptedHTTP, file: String? = nil) async throws(ProviderError) -> [String] {
    try await makeMistral(http)
      .findBatches(BatchSearch(label: "mr-7", inputFileID: file, createdAfter: Self.intent, rowCount: 3))
      .map(\.id)
  }

  @Test func byTheLabelOrTheFile() async throws {
    let jobs = [
      MistralSamples.ended("a", label: "mr-77"), MistralSamples.ended("b"), MistralSamples.ended("c", label: ""),
    ]
    let http = ScriptedHTTP(Self.page(jobs, total: 3), Self.page(jobs, total: 3))
    #expect(try await find(http) == ["b"])
    #expect(try await find(http, file: "in-c") == ["b", "c"])
    // A quarter of an hour before the intent, since clocks differ.
    #expect(await http.sent.first?.line == Self.list + "2026-11-23T09%3A45%3A00.000Z&page=0&page_size=100")
  }

  @Test func pagesAreReadToTheirEnd() async throws {
    let http = ScriptedHTTP(
      Self.page([MistralSamples.ended("a", label: "x")], total: 3),
      Self.page([MistralSamples.ended("b", label: "y")], total: 3),
      Self.page([MistralSamples.ended("c")], total: 3))
    #expect(try await find(http) == ["c"])
    #expect(await http.sent.last?.line.hasSuffix("&page=2&page_size=100") == true)
    // Without a total until a page is empty, or older than the intent.
    let untold = ScriptedHTTP(Self.page([MistralSamples.ended("b")], total: nil), Self.page([], total: nil))
    #expect(try await find(untold) == ["b"])
    let old = ScriptedHTTP(Self.page([MistralSamples.ended("b", created: 1_795_420_000)], total: 9))
    #expect(try await find(old) == ["b"])
    #expect(try await find(ScriptedHTTP(.answer(200, [], #"{"object":"list","total":0}"#))) == [])
  }

  @Test(arguments: [
    ScriptedHTTP.Step.answer(200, [], "{}"), .answer(500), .answer(200, [], "[]"), .answer(200, [], #"{"data":{}}"#),
  ])
  func aListThatMakesNoSenseIsNoAnswer(_ step: ScriptedHTTP.Step) async {
    #expect(await errorOf { () throws(ProviderError) in try await find(ScriptedHTTP(step)) } != nil)
  }

  @Test func filesByTheirName() async throws {
    let http = ScriptedHTTP(
      .answer(
        200, [],
        #"{"data":[{"id":"f-1","filename":"mr-77.jsonl"},{"id":"f-2","filename":"mr-7.jsonl"}],"object":"list","total":2}"#
      ),
      .answer(200, [], #"{"data":[],"object":"list","total":0}"#))
    #expect(try await makeMistral(http).findFile(label: "mr-7") == "f-2")
    #expect(try await makeMistral(http).findFile(label: "mr-7") == nil)
    #expect(
      await http.sent.first?.line
        == "GET https://api.example.test/v1/files?purpose=batch&search=mr-7&page=0&page_size=100")
  }
}
