public import BatchCore
import Wire

extension OpenAIProvider {
  /// Uploads a batch's input, streamed, and returns the file's id. The file is named after the label.
  ///
  /// - Throws: before the last byte is sent if the rows do not make exactly `inputBytes`; the provider then has no file.
  public func upload(
    _ submission: BatchSubmission, rows: any BatchRowSource
  ) async throws(ProviderError) -> String {
    let what = "upload of \(submission.label).jsonl"
    let body = BatchUpload(submission, rows: rows)
    let request = makeRequest(
      "POST", "/files", contentType: body.contentType, body: .stream(length: body.length, body),
      limits: transferLimits, mustNotRepeat: true)
    let response = try await perform(what, request, isWrite: true)
    guard let id = (try? JSONSlice.parse(response.body))?["id"]?.string, !id.isEmpty else {
      throw invalidResponse(what, "the answer names no file", isWrite: true)
    }
    return id
  }

  /// Deletes a file. One that is gone already counts as deleted.
  public func deleteFile(_ fileID: String) async throws(ProviderError) {
    let request = makeRequest("DELETE", "/files/" + ProviderText.pathSegment(fileID), limits: operationLimits())
    do {
      _ = try await perform("delete of file \(text(fileID))", request, isWrite: true)
    } catch  where error.reason == .notFound {
      return
    }
  }

  /// Opens an output or error file.
  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    let what = "content of file \(text(fileID))"
    let request = makeRequest(
      "GET", "/files/\(ProviderText.pathSegment(fileID))/content", limits: transferLimits)
    let opened: HTTPExchange.OpenResponse
    do {
      opened = try await http.open(request)
    } catch {
      throw providerError(what, error, isWrite: false)
    }
    guard (200..<300).contains(opened.status) else {
      // The status is enough where the text cannot be read.
      let body = (try? await Self.beginning(of: opened.body)) ?? []
      let response = HTTPExchange.Response(status: opened.status, headers: opened.headers, body: body)
      throw providerError(what, response, isWrite: false)
    }
    return ResultFile(what, of: self, source: opened.body)
  }

  /// Whether the first line of an input file names such a custom id. A file that is gone does not.
  func firstCustomID(of fileID: String, startsWith prefix: String) async throws(ProviderError) -> Bool {
    let what = "content of file \(text(fileID))"
    let request = makeRequest("GET", "/files/\(ProviderText.pathSegment(fileID))/content", limits: transferLimits)
    let opened: HTTPExchange.OpenResponse
    let bytes: [UInt8]
    do throws(HTTPExchange.Failure) {
      opened = try await http.open(request)
      bytes = try await Self.beginning(of: opened.body)
    } catch {
      throw providerError(what, error, isWrite: false)
    }
    if (200..<300).contains(opened.status) { return bytes.starts(with: BatchLine.head + Array(prefix.utf8)) }
    if opened.status == 404 { return false }
    let response = HTTPExchange.Response(status: opened.status, headers: opened.headers, body: bytes)
    throw providerError(what, response, isWrite: false)
  }

  /// Enough of an error's body to understand it.
  private static func beginning(
    of body: any HTTPExchange.ByteSource
  ) async throws(HTTPExchange.Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < 1 << 16, let chunk = try await body.next() { bytes.append(contentsOf: chunk) }
    return bytes
  }

  /// Asks for the list of models, to see whether address and key are good.
  public func probe() async throws(ProviderError) {
    let request = makeRequest("GET", "/models", limits: operationLimits(maximumResponseBytes: 16 << 20))
    _ = try await perform("list of models", request, isWrite: false)
  }
}
