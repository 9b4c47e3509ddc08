import AdminServer
import Hummingbird
import Logging
import ServiceLifecycle
import Synchronization
import Testing

/// Answers as it is told.
private final class ScriptedStatus: AdminStatus {
  let answers = Mutex((live: true, readiness: Readiness(checks: [])))

  func live() -> Bool { answers.withLock { $0.live } }
  func readiness() async -> Readiness { answers.withLock { $0.readiness } }
  func metrics() async -> [UInt8] { Array("# TYPE x counter\nx_total 1\n".utf8) }
}

@Suite("Admin endpoints", .timeLimit(.minutes(4)))
struct AdminServiceTests {
  private let status = ScriptedStatus()
  private let loopback = AdminConfiguration.Address(host: "127.0.0.1", port: 0)

  /// Runs the service while `body` does, then shuts it down and waits for its end.
  func withService(
    _ configuration: AdminConfiguration, routes: [AdminRoutes] = [],
    _ body: (_ admin: Int, _ health: Int?) async throws -> Void
  ) async throws {
    let (ports, bound) = AsyncStream.makeStream(of: (String, Int).self, bufferingPolicy: .bufferingOldest(2))
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let service = AdminService(configuration: configuration, status: status, routes: routes, logger: logger) {
      bound.yield(($0, $1.port))
    }
    let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: logger))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { bound.finish() }
        try await group.run()
      }
      var found: [String: Int] = [:]
      let wanted = configuration.healthListen == nil ? 1 : 2
      for await (setting, port) in ports {
        found[setting] = port
        if found.count == wanted { break }
      }
      if found.count == wanted, let admin = found["admin.listen"] {
        try await body(admin, found["admin.health_listen"])
      }
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }

  @Test("health, readiness, metrics and an overview")
  func endpoints() async throws {
    try await withService(AdminConfiguration(listen: loopback)) { port, _ in
      let health = await RawClient.get(port: port, "/healthz")
      #expect(health.status == 200)
      #expect(health.body == "ok\n")
      let metrics = await RawClient.get(port: port, "/metrics")
      #expect(metrics.status == 200)
      #expect(metrics.head.contains("content-type: text/plain; version=0.0.4"))
      #expect(metrics.body == "# TYPE x counter\nx_total 1\n")
      let index = await RawClient.get(port: port, "/")
      #expect(index.status == 200)
      for path in ["/healthz", "/readyz", "/metrics"] { #expect(index.body.contains(path)) }
      let head = await RawClient.get(port: port, "/healthz", method: "HEAD")
      #expect(head.status == 200)
      #expect(head.body == "")
      #expect(await RawClient.get(port: port, "/nothing").status == 404)
    }
  }

  @Test("what is waited for is said")
  func readiness() async throws {
    try await withService(AdminConfiguration(listen: loopback)) { port, _ in
      status.answers.withLock {
        $0.readiness = Readiness(checks: [
          .init(name: "ledger", isOK: true), .init(name: "broker", isOK: false, detail: "no \"route\"\nto \\ host"),
        ])
      }
      let waiting = await RawClient.get(port: port, "/readyz")
      #expect(waiting.status == 503)
      #expect(waiting.head.contains("content-type: application/json"))
      #expect(
        waiting.body
          == #"{"ready":false,"checks":[{"name":"ledger","ok":true},"#
          + #"{"name":"broker","ok":false,"detail":"no \"route\"\u000ato \\ host"}]}"# + "\n")
      status.answers.withLock { $0 = (false, Readiness(checks: [.init(name: "ledger", isOK: true)])) }
      let ready = await RawClient.get(port: port, "/readyz")
      #expect(ready.status == 200)
      #expect(ready.body.hasPrefix(#"{"ready":true,"#))
      #expect(await RawClient.get(port: port, "/healthz").status == 503)
    }
  }

  @Test("a token guards everything but the probes; the health listener has only these and the metrics")
  func token() async throws {
    let routes = AdminRoutes(
      RouteCollection(context: AdminRequestContext.self)
        .get("/api/thing") { _, _ in "thing" }
        .post("/api/thing") { request, context in
          let body = try await request.body.collect(upTo: context.maxUploadSize)
          return "\(body.readableBytes)"
        },
      index: [("/api/thing", "a thing")])
    var configuration = AdminConfiguration(listen: loopback, healthListen: loopback, token: "open-sesame")
    configuration.idleTimeout = .seconds(5)
    try await withService(configuration, routes: [routes]) { port, health in
      for path in ["/healthz", "/readyz"] { #expect(await RawClient.get(port: port, path).status == 200) }
      for path in ["/", "/metrics", "/api/thing", "/nothing", "//healthz", "/healthz/../metrics", "/healthz%2F"] {
        let refused = await RawClient.get(port: port, path)
        #expect(refused.status == 401, "\(path)")
        #expect(refused.head.contains("www-authenticate: bearer"))
        #expect(!refused.body.contains("sesame"))
      }
      for value in [
        "", "Bearer", "Bearer ", "Bearer open-sesam", "Bearer open-sesame2", "Basic open-sesame", "open-sesame",
      ] {
        #expect(
          await RawClient.get(port: port, "/metrics", headers: "authorization: \(value)").status == 401, "\(value)")
      }
      let allowed = "authorization: bearer open-sesame"
      #expect(await RawClient.get(port: port, "/metrics", headers: allowed).status == 200)
      #expect(await RawClient.get(port: port, "/api/thing", headers: allowed).body == "thing")
      #expect(await RawClient.get(port: port, "/", headers: allowed).body.contains("/api/thing  a thing"))

      let open = try #require(health)
      for path in ["/healthz", "/readyz", "/metrics"] { #expect(await RawClient.get(port: open, path).status == 200) }
      for path in ["/", "/api/thing"] { #expect(await RawClient.get(port: open, path, headers: allowed).status == 404) }
    }
  }

  @Test("what is too large is refused")
  func sizes() async throws {
    try await withService(AdminConfiguration(listen: loopback)) { port, _ in
      let long = String(repeating: "x", count: 200_000)
      let header = await RawClient.get(port: port, "/healthz", headers: "x-long: \(long)")
      #expect(header.status != 200)
      let body = await RawClient.exchange(
        port: port, "POST /healthz HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 200000\r\n\r\n\(long)")
      #expect(!body.hasPrefix("HTTP/1.1 200"))
      // The listener still serves.
      #expect(await RawClient.get(port: port, "/healthz").status == 200)
    }
  }

  @Test(
    "a connection that stays silent is closed",
    arguments: ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nhost: t\r\n"])
  func silent(_ start: String) async throws {
    var configuration = AdminConfiguration(listen: loopback)
    configuration.idleTimeout = .milliseconds(200)
    try await withService(configuration) { port, _ in
      // Ends when the server closes; the suite's time limit is the failure.
      let answer = await RawClient.exchange(port: port, start)
      #expect(!answer.hasPrefix("HTTP/1.1 200"))
      #expect(!answer.hasPrefix("not connected"))
    }
  }

  @Test("a taken port is one clear line that names setting and address", arguments: [true, false])
  func taken(_ isAdmin: Bool) async throws {
    try await RawClient.withTakenPort { port in
      let taken = AdminConfiguration.Address(host: "127.0.0.1", port: port)
      let configuration = AdminConfiguration(
        listen: isAdmin ? taken : loopback, healthListen: isAdmin ? loopback : taken)
      let setting = isAdmin ? "admin.listen" : "admin.health_listen"
      do {
        try await withService(configuration) { _, _ in }
        Issue.record("it started")
      } catch let error as AdminServerError {
        #expect("\(error)" == "\(setting): cannot listen on 127.0.0.1:\(port): the port is taken by another process")
      }
    }
  }

  @Test("so is a bad address", arguments: ["192.0.2.1", "no-such-host.invalid"])
  func bad(_ host: String) async throws {
    do {
      try await withService(AdminConfiguration(listen: .init(host: host, port: 0))) { _, _ in }
      Issue.record("it started")
    } catch let error as AdminServerError {
      #expect("\(error)".hasPrefix("admin.listen: cannot listen on \(host):0: the "))
    }
  }

  @Test("the configuration does not show its token")
  func secrecy() {
    let configuration = AdminConfiguration(listen: loopback, token: "open-sesame")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] {
      #expect(!text.contains("sesame"))
    }
  }
}
