import AdminServer
import Hummingbird
import Synchronization
import Testing

/// Keeps what it was asked.
private final class ScriptedBreakers: BreakerAdministration {
  let asked = Mutex<[String]>([])

  func list() async -> AdminAnswer { AdminAnswer(status: 200, body: Array(#"{"breakers":[]}"#.utf8)) }

  func close(_ body: [UInt8]) async -> AdminAnswer {
    let text = String(decoding: body, as: UTF8.self)
    asked.withLock { $0.append(text) }
    return AdminAnswer(status: text.contains("unknown") ? 404 : 200, body: Array(#"{"breakers":[1]}"#.utf8))
  }
}

@Suite("Admin endpoints: breakers", .timeLimit(.minutes(4)))
struct BreakerRoutesTests {
  private let service = AdminServiceTests()

  private func post(_ port: Int, _ body: String, _ headers: String = "") async -> String {
    await RawClient.exchange(
      port: port,
      "POST /breakers/close HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\(headers)"
        + "content-length: \(body.utf8.count)\r\n\r\n\(body)")
  }

  @Test("are listed and closed, with the token only")
  func endpoints() async throws {
    let breakers = ScriptedBreakers()
    let address = AdminConfiguration.Address(host: "127.0.0.1", port: 0)
    let configuration = AdminConfiguration(listen: address, healthListen: address, token: "t")
    try await service.withService(configuration, routes: [.breakers(breakers)]) { port, health in
      let token = "authorization: Bearer t"
      #expect(await RawClient.get(port: port, "/breakers").status == 401)
      let list = await RawClient.get(port: port, "/breakers", headers: token)
      #expect(list.status == 200 && list.body == #"{"breakers":[]}"#)
      #expect(list.head.contains("application/json"))
      #expect(await post(port, #"{"account":"a"}"#).hasPrefix("HTTP/1.1 401"))
      #expect(breakers.asked.withLock { $0.isEmpty })
      let body = #"{"account":"openai https://x/v1 1a2b","model":"m"}"#
      let closed = await post(port, body, token + "\r\n")
      #expect(closed.hasPrefix("HTTP/1.1 200") && closed.hasSuffix(#"{"breakers":[1]}"#))
      #expect(await post(port, #"{"account":"unknown"}"#, token + "\r\n").hasPrefix("HTTP/1.1 404"))
      #expect(breakers.asked.withLock { $0 } == [body, #"{"account":"unknown"}"#])
      let index = await RawClient.get(port: port, "/", headers: token)
      #expect(index.body.contains("/breakers/close"))
      // No way in on the open listener.
      let open = try #require(health)
      #expect(await RawClient.get(port: open, "/breakers", headers: token).status == 404)
    }
  }
}
