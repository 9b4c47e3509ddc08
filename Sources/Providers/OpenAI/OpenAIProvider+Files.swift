public import BatchCore
import Wire

extension OpenAIProvider {
  /// Uploads a batch's input, streamed, and returns the file's id. The file is named after the label.
  ///
  /// - Throws: before the last byte is sent if the rows do not make exactly `inputBytes`; the provider then has no file.
  public func upload(
    _ submission: BatchSubmission, rows: any BatchRows
  ) async throws(ProviderError) -> String {
    let what = "upload of \(submission.label).jsonl"
    let body = BatchUpload(submission, rows: rows.source(), dialect: configuration.dialect)
    let request = makeRequest(
      "POST", "/files", contentType: body.contentType, body: .stream(length: body.length, body),
      limits: transferLimits, mustNotRepeat: true)
    let response: HTTPExchange.Response
    do {
      response = try await perform(what, request, isWrite: true)
    } catch {
      throw await hasNoFiles(error) ? ProviderError(.noBatches, isAmbiguous: false, message: error.message) : error
    }
    let file = (try? JSONSlice.parse(response.body)).map { $0["data"].flatMap { $0["id"] == nil ? nil : $0 } ?? $0 }
    guard let file, let id = file["id"]?.string, !id.isEmpty else {
      throw invalidResponse(what, "the answer names no file", isWrite: true)
    }
    if let processing = configuration.dialect.processing { try await wait(for: id, file, processing) }
    return id
  }

  /// Whether an upload was refused since there are no files at all, where the address is right otherwise.
  private func hasNoFiles(_ error: ProviderError) async -> Bool {
    switch error.reason {
    case .rejected(405), .rejected(501): return true
    case .notFound:
      do {
        try await probe()
        return true
      } catch {
        return false
      }
    default: return false
    }
  }

  /// Waits until a batch can be made of the file.
  private func wait(
    for id: String, _ uploaded: JSONSlice, _ processing: OpenAIDialect.Processing
  ) async throws(ProviderError) {
    let what = "file \(text(id))"
    var status = uploaded[processing.member]?.string?.lowercased()
    var waited = Duration.zero
    var pause = Duration.milliseconds(500)
    while let now = status, !processing.ready.contains(now) {
      if processing.failed.contains(now) {
        throw ProviderError(
          .rejected(statusCode: 400), isAmbiguous: false,
          message: "\(name): \(what): it was not accepted: its \(processing.member) is \(text(now))")
      }
      guard waited < processing.limit else {
        throw ProviderError(
          .unavailable(retryAfter: nil), isAmbiguous: false,
          message: "\(name): \(what): its \(processing.member) is \(text(now)) still after \(processing.limit)")
      }
      do {
        try await configuration.sleep(pause)
      } catch {
        throw ProviderError(.cancelled, isAmbiguous: false, message: "\(name): \(what): cancelled")
      }
      waited += pause
      pause = min(pause * 3 / 2, .seconds(10))
      let request = makeRequest("GET", "/files/" + ProviderText.pathSegment(id), limits: operationLimits())
      let answer = try? JSONSlice.parse(try await perform(what, request, isWrite: false).body)
      guard let answer else { throw invalidResponse(what, "the answer is no JSON", isWrite: false) }
      status = answer[processing.member]?.string?.lowercased()
    }
  }

  /// Deletes a file. One that is gone already counts as deleted.
  public func deleteFile(_ fileID: String) async throws(ProviderError) {
    if configuration.dialect.shape.isNoFile(fileID) || isAddress(fileID) { return }
    let request = makeRequest("DELETE", "/files/" + ProviderText.pathSegment(fileID), limits: operationLimits())
    do {
      _ = try await perform("delete of file \(text(fileID))", request, isWrite: true)
    } catch  where error.reason == .notFound {
      return
    }
  }

  /// Opens an output or error file.
  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    if let pages = configuration.dialect.shape.results(fileID, of: self) { return pages }
    let what = "content of file \(text(fileID))"
    if isAddress(fileID) {
      // Somebody else's storage: it signs its addresses, and must not see the key.
      let request = HTTPExchange.Request(method: "GET", url: fileID, limits: transferLimits)
      return ResultFile(what, of: self, source: try await openBody(what, request)) { line in
        ResultLine(line)?.result(describedBy: self)
      }
    }
    return try await openResults(what, "/files/\(ProviderText.pathSegment(fileID))/content") { line in
      ResultLine(line)?.result(describedBy: self)
    }
  }

  private func isAddress(_ fileID: String) -> Bool {
    configuration.dialect.resultsMayBeURLs && fileID.hasPrefix("https://")
  }

  /// Whether the first line of an input file names such a custom id. A file that is gone does not.
  func firstCustomID(of fileID: String, startsWith prefix: String) async throws(ProviderError) -> Bool {
    let what = "content of file \(text(fileID))"
    let request = makeRequest("GET", "/files/\(ProviderText.pathSegment(fileID))/content", limits: transferLimits)
    let opened: HTTPExchange.OpenResponse
    let bytes: [UInt8]
    do throws(HTTPExchange.Failure) {
      opened = try await http.open(request)
      bytes = try await beginning(of: opened.body)
    } catch {
      throw providerError(what, error, isWrite: false)
    }
    if (200..<300).contains(opened.status) { return bytes.starts(with: BatchLine.head + Array(prefix.utf8)) }
    if opened.status == 404 { return false }
    let response = HTTPExchange.Response(status: opened.status, headers: opened.headers, body: bytes)
    throw providerError(what, response, isWrite: false)
  }

  /// Asks for the list of models, to see whether address and key are good.
  public func probe() async throws(ProviderError) {
    let request = makeRequest("GET", "/models", limits: operationLimits(maximumResponseBytes: 16 << 20))
    _ = try await perform("list of models", request, isWrite: false)
  }
}
