public import BatchCore
import Wire

extension MistralProvider {
  static let jobs = "/v1/batch/jobs"

  /// Creates a job of an uploaded file.
  /// - Parameter timeout: Of the whole exchange.
  /// - Throws: an ambiguous error when the job may exist all the same; search for its label before another try.
  public func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    let what = "create of batch \(submission.label)"
    guard let fileID = input.fileID else {
      throw ProviderError(
        .rejected(statusCode: 400), isAmbiguous: false, message: "\(name): \(what): its rows need a file")
    }
    let request = makeRequest(
      "POST", Self.jobs, contentType: "application/json", body: .bytes(job(of: fileID, submission)),
      limits: operationLimits(total: timeout), mustNotRepeat: true)
    return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
  }

  private func job(of fileID: String, _ submission: BatchSubmission) -> [UInt8] {
    var body = JSONWriter()
    body.beginObject()
    body.key("input_files")
    body.beginArray()
    body.string(fileID)
    body.endArray()
    body.text("endpoint", submission.endpoint.sentPath)
    body.text("model", submission.model)
    body.key("metadata")
    body.beginObject()
    body.text(OpenAIProvider.labelKey, submission.label)
    body.endObject()
    let hours = min(max(1, configuration.timeoutHours), MistralConfiguration.longestTimeoutHours)
    body.number("timeout_hours", Int64(hours))
    body.endObject()
    return body.bytes
  }

  public func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "batch \(text(batchID))"
    let request = makeRequest("GET", Self.path(batchID), limits: operationLimits())
    return try snapshot(what, try await perform(what, request, isWrite: false), isWrite: false)
  }

  /// Asks for a job to be cancelled. What has ended already is returned as it is.
  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "cancel of batch \(text(batchID))"
    let request = makeRequest("POST", Self.path(batchID) + "/cancel", limits: operationLimits())
    do {
      return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
    } catch {
      switch error.reason {
      case .rejected, .unavailable:
        // What has ended cannot be cancelled.
        if let current = try? await retrieve(batchID), current.state.isTerminal || current.state == .cancelling {
          return current
        }
      case .notFound, .rateLimited, .accountClosed, .noBatches, .storageFull, .invalidResponse, .cancelled: break
      }
      throw error
    }
  }

  private static func path(_ batchID: String) -> String { jobs + "/" + ProviderText.pathSegment(batchID) }

  private func snapshot(
    _ what: String, _ response: HTTPExchange.Response, isWrite: Bool
  ) throws(ProviderError) -> BatchSnapshot {
    guard let body = try? JSONSlice.parse(response.body), let snapshot = MistralJob.snapshot(body) else {
      throw invalidResponse(what, "the answer names no batch", isWrite: isWrite)
    }
    return snapshot
  }
}
