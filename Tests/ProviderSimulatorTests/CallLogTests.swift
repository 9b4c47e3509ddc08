import HTTPTypes
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct CallLogTests {
  @Test func everyCallAboutABatchIsNotedWithItsCaller() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      let id = try await live.start([LiveSimulator.row("r-0", "question")])
      let batch = try await live.wait(for: id)
      let file = try #require(batch["output_file_id"]?.string)
      let input = try #require(batch["input_file_id"]?.string)
      _ = try await live.results(batch, "output_file_id")
      _ = try await live.send(.get, "/v1/batches")
      _ = try await live.send(.delete, "/v1/files/\(input)")
      var calls = try await calls(live)
      let agents = Set(calls.map(\.agent))
      #expect(agents == ["a test"])
      calls.removeAll { $0.action == "retrieve" && $0.id == id }
      #expect(
        calls.map { "\($0.action) \($0.id ?? "-")" }
          == ["upload \(input)", "create \(id)", "fetch \(file)", "list -", "delete \(input)"])
      _ = try await live.send(.post, "/_sim/reset", "{}")
      #expect(try await self.calls(live).isEmpty)
    }
  }

  private func calls(_ live: LiveSimulator) async throws -> [(action: String, id: String?, agent: String)] {
    try await live.send(.get, "/_sim/calls").body.split(separator: 0x0A).map {
      let line = try JSONSlice.parse(Array($0))
      return (line["action"]?.string ?? "", line["id"]?.string, line["agent"]?.string ?? "")
    }
  }
}
