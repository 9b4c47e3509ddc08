import CurlHTTP
import Settings
import Wire

/// Talks to the admin address of a service that runs.
struct AdminClient {
  private let address: ListenAddress
  private let token: String

  init(_ settings: AdminSettings) {
    var address = settings.listen
    // Where it listens on every address, this machine is one of them.
    if address.host == "0.0.0.0" { address.host = "127.0.0.1" }
    if address.host == "::" { address.host = "::1" }
    self.address = address
    token = settings.token.reveal()
  }

  /// The answer's body, or what is wrong in one line.
  func send(_ method: String, _ path: String, _ body: [UInt8]? = nil) async throws(AdminFailure) -> [UInt8] {
    // What a proxy of the environment is for lies elsewhere.
    let client = HTTPClient(configuration: HTTPClientConfiguration(proxy: .none))
    let result: Result<HTTPResponse, HTTPError>
    do throws(HTTPError) {
      var request = HTTPRequest(
        method: method, url: "http://\(address)\(path)", limits: HTTPLimits(connect: .seconds(5), total: .seconds(60)))
      if !token.isEmpty { request.headers.append(("Authorization", "Bearer " + token)) }
      request.body = body.map { .bytes($0) }
      if body != nil { request.headers.append(("Content-Type", "application/json")) }
      result = .success(try await client.send(request))
    } catch {
      result = .failure(error)
    }
    await client.shutdown()
    switch result {
    case .failure(let error):
      throw AdminFailure(
        "no service answers on \(address) (\(error.message)); start it, or name its admin.listen in the configuration",
        isUnreachable: true)
    case .success(let response):
      if (200..<300).contains(response.head.status) { return response.body }
      throw Self.failure(response, address)
    }
  }

  private static func failure(_ response: HTTPResponse, _ address: ListenAddress) -> AdminFailure {
    let message = (try? JSONSlice.parse(response.body))?["error"]?.string
    return switch response.head.status {
    case 401: AdminFailure("\(address) asks for its token; set admin.token (MILLRACE_ADMIN_TOKEN)")
    case 404 where message == nil: AdminFailure("what answers on \(address) is no service of this version")
    default: AdminFailure(message ?? "\(address) answered \(response.head.status)")
    }
  }
}

/// Why a service did not do what a command asked for.
struct AdminFailure: Error {
  /// One line.
  var message: String
  var isUnreachable: Bool

  init(_ message: String, isUnreachable: Bool = false) {
    self.message = message
    self.isUnreachable = isUnreachable
  }
}
