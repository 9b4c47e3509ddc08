import BatchCore

extension APIAccount {
  /// Opens a file of results, which is read a line at a time.
  func openResults(
    _ what: String, _ path: String, read: @escaping @Sendable ([UInt8]) -> BatchResult?
  ) async throws(ProviderError) -> any BatchResultSource {
    ResultFile(what, of: self, source: try await openBody(what, path), read: read)
  }

  /// Opens a body of any length, and takes nothing but a success.
  func openBody(_ what: String, _ path: String) async throws(ProviderError) -> any HTTPExchange.ByteSource {
    try await openBody(what, makeRequest("GET", path, limits: transferLimits))
  }

  func openBody(
    _ what: String, _ request: HTTPExchange.Request
  ) async throws(ProviderError) -> any HTTPExchange.ByteSource {
    let opened: HTTPExchange.OpenResponse
    do {
      opened = try await http.open(request)
    } catch {
      throw providerError(what, error, isWrite: false)
    }
    guard (200..<300).contains(opened.status) else {
      // The status is enough where the text cannot be read.
      let body = (try? await beginning(of: opened.body)) ?? []
      let response = HTTPExchange.Response(status: opened.status, headers: opened.headers, body: body)
      throw providerError(what, response, isWrite: false)
    }
    return opened.body
  }

  /// Enough of an error's body to understand it.
  func beginning(of body: any HTTPExchange.ByteSource) async throws(HTTPExchange.Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < 1 << 16, let chunk = try await body.next() { bytes.append(contentsOf: chunk) }
    return bytes
  }
}
