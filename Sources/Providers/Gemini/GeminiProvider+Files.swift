public import BatchCore
import Wire

extension GeminiProvider {
  /// Uploads a batch's input, streamed, and returns the file's name. It is shown under the label.
  ///
  /// The rows are read twice: the size is told before the first byte, and what bodies become is known only when they have
  /// been written.
  public func upload(
    _ submission: BatchSubmission, rows: any BatchRows
  ) async throws(ProviderError) -> String {
    let what = "upload of \(submission.label).jsonl"
    let form = GenerateForm(model: submission.model, endpoint: submission.endpoint)
    let length: Int64
    do {
      length = try await GenerateRows.measure(form, rows: rows.source())
    } catch {
      throw providerError(what, error, isWrite: false)
    }
    let body = GenerateRows(form, rows: rows.source(), rowCount: submission.rowCount, length: length)
    var request = makeRequest(
      "POST", "", body: .stream(length: length, body), limits: transferLimits, mustNotRepeat: true)
    request.url = try await openUpload(what, submission.label, length: length)
    request.headers += [("X-Goog-Upload-Offset", "0"), ("X-Goog-Upload-Command", "upload, finalize")]
    let response = try await perform(what, request, isWrite: true)
    let answer = try? JSONSlice.parse(response.body)
    let isWhole = response.header("x-goog-upload-status").map { $0.lowercased() == "final" } ?? true
    guard isWhole, let file = answer?["file"] ?? answer, let id = file["name"]?.string, !id.isEmpty else {
      throw invalidResponse(what, "the answer names no file", isWrite: true)
    }
    try await wait(for: id, file)
    return id
  }

  /// Returns where the bytes go: below the own base URL whatever the answer says, since the key goes there too.
  private func openUpload(
    _ what: String, _ label: String, length: Int64
  ) async throws(ProviderError) -> String {
    var body = JSONWriter()
    body.beginObject()
    body.key("file")
    body.beginObject()
    body.text("displayName", label)
    body.endObject()
    body.endObject()
    var request = makeRequest(
      "POST", "/upload" + versioned("files"), contentType: "application/json", body: .bytes(body.bytes),
      limits: operationLimits(), mustNotRepeat: true)
    request.headers += [
      ("X-Goog-Upload-Protocol", "resumable"), ("X-Goog-Upload-Command", "start"),
      ("X-Goog-Upload-Header-Content-Length", String(length)),
      ("X-Goog-Upload-Header-Content-Type", "application/jsonl"),
    ]
    let response: HTTPExchange.Response
    do {
      response = try await perform(what, request, isWrite: true)
    } catch {
      switch error.reason {
      case .rejected(405), .rejected(501):
        throw ProviderError(.noBatches, isAmbiguous: false, message: error.message)
      default: throw error
      }
    }
    guard let url = response.header("x-goog-upload-url"), let target = Self.target(of: url) else {
      throw invalidResponse(what, "the answer does not say where the bytes go", isWrite: true)
    }
    return url.hasPrefix(base + "/") ? url : base + target
  }

  /// Path and query of a URL.
  private static func target(of url: String) -> String? {
    guard let scheme = url.firstRange(of: "://") else { return url.hasPrefix("/") ? url : nil }
    let rest = url[scheme.upperBound...]
    return rest.firstIndex(of: "/").map { String(rest[$0...]) }
  }

  /// Waits until a batch can be made of the file. One that does not say is ready.
  private func wait(for id: String, _ uploaded: JSONSlice) async throws(ProviderError) {
    let what = "file \(text(id))"
    var state = uploaded["state"]?.string?.uppercased()
    var waited = Duration.zero
    var pause = Duration.milliseconds(200)
    while let now = state, now != "ACTIVE" {
      if now == "FAILED" {
        throw ProviderError(
          .rejected(statusCode: 400), isAmbiguous: false, message: "\(name): \(what): it was not accepted")
      }
      guard waited < configuration.processingLimit else {
        throw ProviderError(
          .unavailable(retryAfter: nil), isAmbiguous: false,
          message: "\(name): \(what): its state is \(text(now)) still after \(configuration.processingLimit)")
      }
      do {
        try await configuration.sleep(pause)
      } catch {
        throw ProviderError(.cancelled, isAmbiguous: false, message: "\(name): \(what): cancelled")
      }
      waited += pause
      pause = min(pause * 3 / 2, .seconds(10))
      let request = makeRequest("GET", path(id, in: "files"), limits: operationLimits())
      let answer = try? JSONSlice.parse(try await perform(what, request, isWrite: false).body)
      guard let answer else { throw invalidResponse(what, "the answer is no JSON", isWrite: false) }
      state = answer["state"]?.string?.uppercased()
    }
  }

  /// Deletes a file. One that is gone already counts as deleted.
  public func deleteFile(_ fileID: String) async throws(ProviderError) {
    let what = "delete of file \(text(fileID))"
    let request = makeRequest("DELETE", path(fileID, in: "files"), limits: operationLimits())
    let response: HTTPExchange.Response
    do {
      response = try await http.send(request)
    } catch {
      throw providerError(what, error, isWrite: true)
    }
    // What does not exist may be answered as what the key may not see.
    if (200..<300).contains(response.status) || response.status == 404 || names(fileID, response) { return }
    throw providerError(what, response, isWrite: true)
  }

  /// Opens the results of a batch, in the provider's own shape.
  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    try await results(fileID: fileID, of: .generateContent)
  }

  /// The same in the shape of the endpoint that the batch's rows asked for.
  public func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
    let path = path(fileID, in: "files") + ":download?alt=media"
    return try await openResults("content of file \(text(fileID))", path) { line in
      guard var result = GenerateResult(line)?.result(describedBy: self) else { return nil }
      if endpoint != .generateContent { result.response = translated(result.response) }
      return result
    }
  }
}
