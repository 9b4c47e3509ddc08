import HTTPTypes
import Hummingbird

/// The endpoints that both listeners have.
enum StatusRoutes {
  static let index: [(path: String, text: String)] = [
    ("/healthz", "200 while the process is alive"),
    ("/readyz", "200 when it takes work, else 503 and what it waits for"),
    ("/metrics", "metrics in Prometheus' text format"),
  ]

  static func make(_ status: any AdminStatus) -> RouteCollection<AdminRequestContext> {
    RouteCollection(context: AdminRequestContext.self)
      .get("/healthz") { _, _ in
        status.live() ? text("ok\n") : text("not alive\n", status: .serviceUnavailable)
      }
      .get("/readyz") { _, _ in
        let readiness = await status.readiness()
        return Response(
          status: readiness.isReady ? .ok : .serviceUnavailable,
          headers: [.contentType: "application/json", .cacheControl: "no-store"],
          body: ResponseBody(byteBuffer: ByteBuffer(string: readiness.json)))
      }
      .get("/metrics") { _, _ in
        Response(
          status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
          body: ResponseBody(byteBuffer: ByteBuffer(bytes: await status.metrics())))
      }
  }

  static func overview(_ entries: [(path: String, text: String)]) -> String {
    let width = entries.map(\.path.count).max() ?? 0
    return "Millrace\n\n"
      + entries.map { path, text in path + String(repeating: " ", count: width - path.count + 2) + text + "\n" }
      .joined()
  }

  static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
  }
}
