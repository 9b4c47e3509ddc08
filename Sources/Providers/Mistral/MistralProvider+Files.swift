public import BatchCore
import Wire

extension MistralProvider {
  /// Where no body is translated the exact size in bytes of the input file that such rows make, from sums over them.
  public func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    MistralForm.size(
      of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes)
  }

  /// Uploads a job's input, streamed, and returns the file's id. The file is named after the label.
  ///
  /// - Throws: before the last byte is sent if the rows do not make exactly what was declared; the provider then has no file.
  public func upload(
    _ submission: BatchSubmission, rows: any BatchRows
  ) async throws(ProviderError) -> String {
    let what = "upload of \(submission.label).jsonl"
    let form = MistralForm(model: submission.model, endpoint: submission.endpoint)
    var submission = submission
    if form.isTranslated { submission.inputBytes = try await size(of: rows, as: form, what) }
    let body = BatchUpload(submission, rows: rows.source(), fields: [("purpose", "batch")]) {
      row, bytes throws(ChatRefusal) in
      try form.append(row, to: &bytes)
    }
    let request = makeRequest(
      "POST", "/v1/files", contentType: body.contentType, body: .stream(length: body.length, body),
      limits: transferLimits, mustNotRepeat: true)
    let response = try await perform(what, request, isWrite: true)
    guard let id = (try? JSONSlice.parse(response.body))?["id"]?.string, !id.isEmpty else {
      throw invalidResponse(what, "the answer names no file", isWrite: true)
    }
    return id
  }

  /// Translation changes the length: then the rows are read through for it.
  private func size(
    of rows: any BatchRows, as form: MistralForm, _ what: String
  ) async throws(ProviderError) -> Int64 {
    do {
      return try await form.measure(rows.source())
    } catch {
      throw ProviderError(
        .unavailable(retryAfter: nil), isAmbiguous: false,
        message: "\(name): \(what): the rows cannot be read: \(text("\(error)"))")
    }
  }

  /// Deletes a file. One that is gone already counts as deleted.
  public func deleteFile(_ fileID: String) async throws(ProviderError) {
    let request = makeRequest("DELETE", "/v1/files/" + ProviderText.pathSegment(fileID), limits: operationLimits())
    do {
      _ = try await perform("delete of file \(text(fileID))", request, isWrite: true)
    } catch  where error.reason == .notFound {
      return
    }
  }

  /// Opens an output or error file.
  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    try await results(fileID: fileID, of: .mistralChat)
  }

  /// The same in the shape of the endpoint that the job's lines asked for.
  public func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
    let isTranslated = MistralForm(model: "", endpoint: endpoint).isTranslated
    let path = "/v1/files/\(ProviderText.pathSegment(fileID))/content"
    return try await openResults("content of file \(text(fileID))", path) { line in
      guard var result = ResultLine(mistral: line)?.result(describedBy: self, usage: MistralUsage.usage) else {
        return nil
      }
      if isTranslated { result.response = translated(result.response) }
      return result
    }
  }
}

extension ResultLine {
  /// A line with an error is one of a failure, whatever status stands beside it.
  fileprivate init?(mistral line: [UInt8]) {
    self.init(line)
    withdrawSuccessBesideError()
  }
}
