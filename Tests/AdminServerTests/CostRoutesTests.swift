import AdminServer
import Testing

private struct ScriptedCosts: CostAdministration {
  func report(_ query: [String: String]) async -> AdminAnswer {
    let text = query.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    return AdminAnswer(status: query["by"] == "nonsense" ? 400 : 200, body: Array(text.utf8))
  }
}

@Suite("Admin endpoints: cost", .timeLimit(.minutes(4)))
struct CostRoutesTests {
  @Test("is told with the parameters of the address, with the token only")
  func endpoint() async throws {
    let address = AdminConfiguration.Address(host: "127.0.0.1", port: 0)
    let configuration = AdminConfiguration(listen: address, healthListen: address, token: "t")
    try await AdminServiceTests().withService(configuration, routes: [.costs(ScriptedCosts())]) { port, health in
      let token = "authorization: Bearer t"
      #expect(await RawClient.get(port: port, "/cost").status == 401)
      let answer = await RawClient.get(port: port, "/cost?by=tenant,model&since=7d", headers: token)
      #expect(answer.status == 200 && answer.body == "by=tenant,model since=7d")
      #expect(await RawClient.get(port: port, "/cost?by=nonsense", headers: token).status == 400)
      #expect(await RawClient.get(port: port, "/", headers: token).body.contains("/cost"))
      let open = try #require(health)
      #expect(await RawClient.get(port: open, "/cost").status == 404)
    }
  }
}
