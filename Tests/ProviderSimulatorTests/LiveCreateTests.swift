import HTTPTypes
import Testing
import Wire

@testable import ProviderSimulator

/// What may happen to a create, and to the delete of its input file.
@Suite(.timeLimit(.minutes(4)))
struct LiveCreateTests {
  private static func create(_ live: LiveSimulator) async throws -> Int? {
    let file = try #require(try await live.upload(LiveSimulator.row("r", "hello")).json["id"]?.string)
    let body = #"{"input_file_id":"\#(file)","endpoint":"/v1/chat/completions","completion_window":"24h"}"#
    // A connection that is cut is an error of the client's.
    return try? await live.send(.post, "/v1/batches", body).status
  }

  private static func listed(_ live: LiveSimulator) async throws -> Int {
    try await live.send(.get, "/v1/batches").json["data"]?.elements.count { _ in true } ?? -1
  }

  @Test func aResetCreateIsAccepted() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.faultCreateReset = 1 }) { live async throws -> Void in
      #expect(try await Self.create(live) == nil)
    }
    // The client has one connection, which is gone.
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      #expect(try await Self.listed(live) == 1)
    }
  }

  @Test func aLostCreateIsNot() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path,
      change: {
        $0.faultCreateLost = 1
        $0.hangMs = 20
      }
    ) { live async throws -> Void in
      #expect(try await Self.create(live) == nil)
    }
    try await LiveSimulator.run(in: scratch.path) { live async throws -> Void in
      #expect(try await Self.listed(live) == 0)
    }
  }

  @Test func aSlowCreateIsAcceptedAndAnsweredLate() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(
      in: scratch.path,
      change: {
        $0.createAcceptMs = 50
        $0.createAnswerMs = 50
      }
    ) { live async throws -> Void in
      let begin = ContinuousClock.now
      #expect(try await Self.create(live) == 200)
      #expect(ContinuousClock.now - begin >= .milliseconds(100))
    }
  }

  @Test func aFileThatIsDeletedLateIsThereUntilThen() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try await LiveSimulator.run(in: scratch.path, change: { $0.deleteLagMs = 3000 }) { live async throws -> Void in
      let file = try #require(try await live.upload(LiveSimulator.row("r", "hello")).json["id"]?.string)
      #expect(try await live.send(.delete, "/v1/files/\(file)").status == 200)
      #expect(try await live.send(.get, "/v1/files/\(file)").status == 200)
      while try await live.send(.get, "/v1/files/\(file)").status == 200 { try await Task.sleep(for: .milliseconds(5)) }
      #expect(try await live.send(.delete, "/v1/files/\(file)").status == 404)
    }
  }
}
