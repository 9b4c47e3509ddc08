public import BatchCore
import Wire

extension OpenAIProvider {
  /// The key of our label in a batch's metadata.
  static let labelKey = "millrace_label"

  /// Creates a batch from an uploaded file.
  /// - Parameter timeout: Of the whole exchange.
  /// - Throws: an ambiguous error when the batch may exist all the same; search for its label before another try.
  public func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    let what = "create of batch \(submission.label)"
    guard let fileID = input.fileID else {
      throw ProviderError(
        .rejected(statusCode: 400), isAmbiguous: false, message: "\(name): \(what): its rows need a file")
    }
    let dialect = configuration.dialect
    let body = dialect.shape.create(
      NewBatch(
        fileID: fileID, path: dialect.batchPath(of: submission.endpoint), window: configuration.completionWindow,
        label: submission.label, keepsMetadata: dialect.keepsMetadata))
    let request = makeRequest(
      "POST", "/batches", contentType: "application/json", body: .bytes(body),
      limits: operationLimits(total: timeout), mustNotRepeat: true)
    do {
      return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
    } catch {
      throw await hasNoBatches(error) ? ProviderError(.noBatches, isAmbiguous: false, message: error.message) : error
    }
  }

  /// Whether a create was refused since there are no batches at all.
  private func hasNoBatches(_ error: ProviderError) async -> Bool {
    switch error.reason {
    case .rejected(405), .rejected(501): return true
    case .notFound:
      // It may be the input file that was not found: then there is a list.
      let list = makeRequest("GET", "/batches?limit=1", limits: operationLimits(maximumResponseBytes: 16 << 20))
      do throws(ProviderError) {
        _ = try await perform("list of batches", list, isWrite: false)
        return false
      } catch {
        return error.reason == .notFound || error.reason == .rejected(statusCode: 405)
          || error.reason == .rejected(statusCode: 501)
      }
    default: return false
    }
  }

  public func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "batch \(text(batchID))"
    let request = makeRequest("GET", "/batches/" + ProviderText.pathSegment(batchID), limits: operationLimits())
    return try snapshot(what, try await perform(what, request, isWrite: false), isWrite: false)
  }

  /// Asks for a batch to be cancelled. What has ended already is returned as it is.
  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "cancel of batch \(text(batchID))"
    let request = makeRequest("POST", configuration.dialect.shape.cancelPath(batchID), limits: operationLimits())
    do {
      return try snapshot(what, try await perform(what, request, isWrite: true), isWrite: true)
    } catch {
      switch error.reason {
      case .rejected(400), .unavailable:
        // A batch that has ended cannot be cancelled: 400 or 409.
        if let current = try? await retrieve(batchID), current.state.isTerminal || current.state == .cancelling {
          return current
        }
      case .rejected, .notFound, .rateLimited, .accountClosed, .noBatches, .storageFull, .invalidResponse, .cancelled:
        break
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
    guard let snapshot = configuration.dialect.shape.snapshot(body) else {
      if !isWrite, let error = ErrorBody(body), error.saysNotFound {
        throw ProviderError(
          .notFound, isAmbiguous: false,
          message: "\(name): \(what): \(answerText(status: response.status, error: error))")
      }
      throw invalidResponse(what, "the answer names no batch", isWrite: isWrite)
    }
    return snapshot
  }
}
