import AdminServer
import Hummingbird
import Synchronization
import Testing

/// Keeps what it was asked.
private final class ScriptedBatches: BatchAdministration {
  let asked = Mutex([(label: String, body: String)]())

  func list() async -> AdminAnswer { AdminAnswer(status: 200, body: Array(#"{"batches":[]}"#.utf8)) }

  func resolve(label: String, _ body: [UInt8]) async -> AdminAnswer {
    asked.withLock { $0.append((label, String(decoding: body, as: UTF8.self))) }
    return AdminAnswer(status: label == "mr-1" ? 202 : 404, body: Array(#"{"label":"\#(label)"}"#.utf8))
  }
}

@Suite("Admin endpoints: batches", .timeLimit(.minutes(4)))
struct BatchRoutesTests {
  private let service = AdminServiceTests()

  private func post(_ port: Int, _ path: String, _ body: String, _ headers: String = "") async -> String {
    await RawClient.exchange(
      port: port,
      "POST \(path) HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    )
  }

  @Test("are listed and decided about, with the token only")
  func endpoints() async throws {
    let batches = ScriptedBatches()
    let address = AdminConfiguration.Address(host: "127.0.0.1", port: 0)
    let configuration = AdminConfiguration(listen: address, healthListen: address, token: "t")
    try await service.withService(configuration, routes: [.batches(batches)]) { port, health in
      let token = "authorization: Bearer t"
      #expect(await RawClient.get(port: port, "/batches").status == 401)
      let list = await RawClient.get(port: port, "/batches", headers: token)
      #expect(list.status == 200 && list.body == #"{"batches":[]}"#)
      #expect(list.head.contains("application/json"))
      let refused = await post(port, "/batches/mr-1/resolve", #"{"as":"give_up"}"#)
      #expect(refused.hasPrefix("HTTP/1.1 401"))
      #expect(batches.asked.withLock { $0.isEmpty })
      let taken = await post(port, "/batches/mr-1/resolve", #"{"as":"give_up"}"#, token + "\r\n")
      #expect(taken.hasPrefix("HTTP/1.1 202") && taken.hasSuffix(#"{"label":"mr-1"}"#))
      #expect(await post(port, "/batches/mr-2/resolve", "{}", token + "\r\n").hasPrefix("HTTP/1.1 404"))
      #expect(batches.asked.withLock { $0.map(\.label) } == ["mr-1", "mr-2"])
      #expect(batches.asked.withLock { $0.first?.body } == #"{"as":"give_up"}"#)
      // No way in on the open listener.
      let open = try #require(health)
      #expect(await RawClient.get(port: open, "/batches", headers: token).status == 404)
    }
  }
}
