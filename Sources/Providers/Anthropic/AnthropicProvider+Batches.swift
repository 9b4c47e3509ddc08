public import BatchCore
import Wire

extension AnthropicProvider {
  private static let path = "/v1/messages/batches"
  /// The slowest transfer of a create's rows that is waited for, in bytes a second.
  private static let slowestTransfer: Int64 = 1 << 18

  /// The exact size in bytes of the create that such rows make, from sums over them.
  public func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    MessageBatchBody.size(
      of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes,
      model: MessageForm(model: model, endpoint: endpoint).model)
  }

  /// Creates a batch from rows that are streamed into the request.
  /// - Parameter timeout: From the last row to the answer.
  /// - Throws: an ambiguous error when the batch may exist all the same; search for it before another try.
  public func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    let what = "create of batch \(submission.label)"
    guard case .rows(let rows) = input else {
      throw ProviderError(
        .rejected(statusCode: 400), isAmbiguous: false, message: "\(name): \(what): it takes no file")
    }
    let form = MessageForm(model: submission.model, endpoint: submission.endpoint)
    let length = try await length(of: rows, as: form, submission, what)
    let body = MessageBatchBody(form, rows: rows.source(), rowCount: submission.rowCount, length: length)
    let transfer = Duration.seconds(length / Self.slowestTransfer)
    let request = makeRequest(
      "POST", Self.path, contentType: "application/json", body: .stream(length: length, body),
      limits: HTTPExchange.Limits(
        connect: min(timeouts.connect, timeout), idle: timeout, total: timeout + transfer,
        maximumResponseBytes: 1 << 20),
      mustNotRepeat: true)
    return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
  }

  /// The exact size of the body, which translation changes: then the rows are read through for it.
  private func length(
    of rows: any BatchRows, as form: MessageForm, _ submission: BatchSubmission, _ what: String
  ) async throws(ProviderError) -> Int64 {
    guard form.isTranslated else { return submission.inputBytes }
    do {
      return try await MessageBatchBody.measure(form, rows: rows.source())
    } catch {
      throw providerError(what, error, isWrite: false)
    }
  }

  public func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "batch \(text(batchID))"
    let request = makeRequest("GET", Self.path(batchID), limits: operationLimits())
    return try snapshot(what, try await perform(what, request, isWrite: false), isWrite: false)
  }

  /// Asks for a batch to be cancelled. What has ended already is returned as it is.
  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "cancel of batch \(text(batchID))"
    let request = makeRequest("POST", Self.path(batchID) + "/cancel", limits: operationLimits())
    do {
      return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
    } catch {
      switch error.reason {
      case .rejected, .unavailable:
        // A batch that has ended cannot be cancelled: 400 or 409.
        if let current = try? await retrieve(batchID), current.state.isTerminal || current.state == .cancelling {
          return current
        }
      case .notFound, .rateLimited, .accountClosed, .noBatches, .storageFull, .invalidResponse, .cancelled: break
      }
      throw error
    }
  }

  /// Opens the results of a batch.
  /// - Parameter fileID: The batch's id.
  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    try await results(fileID: fileID, of: .messages)
  }

  /// The same in the shape of the endpoint that the batch's rows asked for.
  public func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
    try await openResults("results of batch \(text(fileID))", Self.path(fileID) + "/results") { line in
      guard var result = MessageResult(line)?.result(describedBy: self) else { return nil }
      if endpoint != .messages { result.response = translated(result.response) }
      return result
    }
  }

  /// An answer in OpenAI's shape.
  func translated(_ response: ProviderResponse?) -> ProviderResponse? {
    guard var response else { return nil }
    response.body = MessageTranslation()
      .answer(
        response.body, isSuccess: (200..<300).contains(response.statusCode), created: now().milliseconds / 1000)
    return response
  }

  /// There are no files: rows travel in the create.
  public func upload(
    _ submission: BatchSubmission, rows: any BatchRows
  ) async throws(ProviderError) -> String {
    throw ProviderError(
      .rejected(statusCode: 400), isAmbiguous: false,
      message: "\(name): upload of \(submission.label): Anthropic's batches have no files")
  }

  public func findFile(label: String) async throws(ProviderError) -> String? { nil }

  public func deleteFile(_ fileID: String) async throws(ProviderError) {}

  static func path(_ batchID: String) -> String { path + "/" + ProviderText.pathSegment(batchID) }

  private func snapshot(
    _ what: String, _ response: HTTPExchange.Response, isWrite: Bool
  ) throws(ProviderError) -> BatchSnapshot {
    guard let body = try? JSONSlice.parse(response.body), let snapshot = MessageBatchSnapshot.snapshot(body) else {
      throw invalidResponse(what, "the answer names no batch", isWrite: isWrite)
    }
    return snapshot
  }
}
