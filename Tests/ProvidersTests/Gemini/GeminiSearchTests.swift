import BatchCore
import Providers
import Testing

@Suite(.timeLimit(.minutes(4)))
struct GeminiSearchTests {
  private let search = BatchSearch(label: "L", createdAfter: testNow, rowCount: 2)

  private func find(_ http: ScriptedHTTP) async throws(ProviderError) -> [String] {
    try await makeGemini(http).findBatches(search).map(\.id)
  }

  /// The list has no order that is documented: nothing but its end ends the search.
  @Test func everyPageIsRead() async throws {
    let mine = GeminiSamples.batch("BATCH_STATE_RUNNING", id: "2")
    let other = GeminiSamples.batch("BATCH_STATE_RUNNING", id: "1", label: "other")
    let twin = GeminiSamples.batch("JOB_STATE_PENDING", id: "3")
    let http = ScriptedHTTP(
      .answer(200, [], #"{"operations":[\#(other)],"nextPageToken":"a/b="}"#),
      .answer(200, [], #"{"nextPageToken":"c"}"#),
      .answer(200, [], #"{"operations":[\#(mine),\#(mine),{"unknown":1},\#(twin)],"nextPageToken":""}"#))
    #expect(try await find(http) == ["batches/2", "batches/3"])
    let lines = await http.sent.map(\.line)
    #expect(
      lines == [
        "GET https://api.example.test/v1beta/batches?pageSize=100",
        "GET https://api.example.test/v1beta/batches?pageSize=100&pageToken=a%2Fb%3D",
        "GET https://api.example.test/v1beta/batches?pageSize=100&pageToken=c",
      ])
  }

  @Test func anEmptyListHasNoMember() async throws {
    #expect(try await find(ScriptedHTTP(.answer(200, [], "{}"))) == [])
  }

  /// Nothing found means nothing unless the list was read to its end.
  @Test func whatIsNoListProvesNothing() async {
    for steps in [
      [.answer(200, [], "[]")], [.answer(200, [], #"{"operations":{}}"#)], [.answer(200, [], "no json")],
      [.answer(200, [], #"{"nextPageToken":"a"}"#), .answer(200, [], #"{"nextPageToken":"a"}"#)],
      [.answer(200, [], #"{"nextPageToken":"a"}"#), .answer(500, [], "")],
    ] as [[ScriptedHTTP.Step]] {
      let http = ScriptedHTTP()
      for step in steps { await http.add(step) }
      let error = await errorOf { () throws(ProviderError) in try await find(http) }
      #expect(error != nil && error?.isAmbiguous == false)
    }
  }

  @Test func theNewestFileIsFound() async throws {
    func file(_ id: String, _ name: String, _ time: String) -> String {
      #"{"name":"files/\#(id)","displayName":"\#(name)","createTime":"\#(time)"}"#
    }
    let files = [
      file("a", "L", "2026-11-23T10:00:00Z"), file("b", "other", "2026-11-23T12:00:00Z"),
      file("c", "L", "2026-11-23T11:00:00Z"),
    ]
    let http = ScriptedHTTP(.answer(200, [], #"{"files":[\#(files.joined(separator: ","))]}"#))
    #expect(try await makeGemini(http).findFile(label: "L") == "files/c")
    #expect(try await makeGemini(ScriptedHTTP(.answer(200, [], "{}"))).findFile(label: "L") == nil)
  }
}
