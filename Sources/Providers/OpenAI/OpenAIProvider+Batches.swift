public import BatchCore
import Wire

extension OpenAIProvider {
  /// The key of our label in a batch's metadata.
  static let labelKey = "millrace_label"

  /// Creates a batch from an uploaded file.
  /// - Parameter timeout: Of the whole exchange.
  /// - Throws: an ambiguous error when the batch may exist all the same; search for its label before another try.
  public func create(
    _ submission: BatchSubmission, fileID: String, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    var body = JSONWriter()
    body.beginObject()
    body.key("input_file_id")
    body.string(fileID)
    body.key("endpoint")
    body.string(submission.endpoint.path)
    body.key("completion_window")
    body.string(configuration.completionWindow)
    body.key("metadata")
    body.beginObject()
    body.key(Self.labelKey)
    body.string(submission.label)
    body.endObject()
    body.endObject()
    let request = makeRequest(
      "POST", "/batches", contentType: "application/json", body: .bytes(body.bytes),
      limits: operationLimits(total: timeout), mustNotRepeat: true)
    let what = "create of batch \(submission.label)"
    return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
  }

  public func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "batch \(text(batchID))"
    let request = makeRequest("GET", "/batches/" + ProviderText.pathSegment(batchID), limits: operationLimits())
    return try snapshot(what, try await perform(what, request, isWrite: false), isWrite: false)
  }

  /// Asks for a batch to be cancelled. What has ended already is returned as it is.
  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "cancel of batch \(text(batchID))"
    let path = "/batches/\(ProviderText.pathSegment(batchID))/cancel"
    let request = makeRequest("POST", path, limits: operationLimits())
    do {
      return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
    } catch {
      switch error.reason {
      case .rejected(400), .unavailable:
        // A batch that has ended cannot be cancelled: 400 or 409.
        if let current = try? await retrieve(batchID), current.state.isTerminal || current.state == .cancelling {
          return current
        }
      case .rejected, .notFound, .rateLimited, .accountClosed, .invalidResponse, .cancelled: break
      }
      throw error
    }
  }

  private func snapshot(
    _ what: String, _ response: HTTPExchange.Response, isWrite: Bool
  ) throws(ProviderError) -> BatchSnapshot {
    guard let body = try? JSONSlice.parse(response.body) else {
      throw invalidResponse(what, "the answer is no JSON", isWrite: isWrite)
    }
    // Together's create wraps the batch.
    guard let snapshot = SnapshotParser.snapshot(body) ?? body["job"].flatMap(SnapshotParser.snapshot) else {
      throw invalidResponse(what, "the answer names no batch", isWrite: isWrite)
    }
    return snapshot
  }
}
