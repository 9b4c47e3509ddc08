public import BatchCore
import Wire

extension GeminiProvider {
  /// A create that is refused for reasons of quota says no time, and is refused below the quota too: then minutes help.
  private static let pauseOfCreates = Duration.seconds(60)

  /// At least the size in bytes of the input file that such rows make: what becomes of the member `model` is known to a few
  /// bytes only, and of translated bodies even less.
  public func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    GenerateRows.size(of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes)
  }

  /// Creates a batch from an uploaded file; its name is the label.
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
    var body = JSONWriter()
    body.beginObject()
    body.key("batch")
    body.beginObject()
    body.text("displayName", submission.label)
    body.key("inputConfig")
    body.beginObject()
    body.text("fileName", fileID)
    body.endObject()
    body.endObject()
    body.endObject()
    let request = makeRequest(
      "POST", path(ofModel: submission.model) + ":batchGenerateContent", contentType: "application/json",
      body: .bytes(body.bytes), limits: operationLimits(total: timeout), mustNotRepeat: true)
    let response: HTTPExchange.Response
    do {
      response = try await http.send(request)
    } catch {
      throw providerError(what, error, isWrite: true)
    }
    guard (200..<300).contains(response.status) else { throw refusal(what, response, of: fileID) }
    return try snapshot(what, response, isWrite: true)
  }

  /// Why a create was refused: a file that is gone may be refused as one that the key may not see.
  private func refusal(_ what: String, _ response: HTTPExchange.Response, of fileID: String) -> ProviderError {
    var error = providerError(what, response, isWrite: true)
    if names(fileID, response) {
      error.reason = .notFound
    } else {
      switch error.reason {
      // No such model: another upload would not help.
      case .notFound: error.reason = .rejected(statusCode: 404)
      case .rejected(405), .rejected(501): error.reason = .noBatches
      case .rateLimited(nil): error.reason = .rateLimited(retryAfter: Self.pauseOfCreates)
      default: break
      }
    }
    return error
  }

  /// Whether a refusal is about this file.
  func names(_ fileID: String, _ response: HTTPExchange.Response) -> Bool {
    guard [400, 403, 404].contains(response.status), let error = ErrorBody(body: response.body) else { return false }
    let own = fileID.split(separator: "/").last ?? ""
    return !own.isEmpty && error.message.contains(own)
  }

  public func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "batch \(text(batchID))"
    let request = makeRequest("GET", path(batchID, in: "batches"), limits: operationLimits())
    return try snapshot(what, try await perform(what, request, isWrite: false), isWrite: false)
  }

  /// Asks for a batch to be cancelled, which is answered with nothing. What has ended already is returned as it is.
  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let what = "cancel of batch \(text(batchID))"
    let request = makeRequest(
      "POST", path(batchID, in: "batches") + ":cancel", contentType: "application/json", body: .bytes(Array("{}".utf8)),
      limits: operationLimits())
    do {
      _ = try await perform(what, request, isWrite: true)
    } catch {
      switch error.reason {
      case .rejected, .unavailable:
        if let current = try? await retrieve(batchID), current.state.isTerminal || current.state == .cancelling {
          return current
        }
      case .notFound, .rateLimited, .accountClosed, .noBatches, .storageFull, .invalidResponse, .cancelled: break
      }
      throw error
    }
    return try await retrieve(batchID)
  }

  private func snapshot(
    _ what: String, _ response: HTTPExchange.Response, isWrite: Bool
  ) throws(ProviderError) -> BatchSnapshot {
    guard let body = try? JSONSlice.parse(response.body, maximumDepth: JSONDepth.answers),
      let snapshot = GeminiSnapshot.snapshot(body)
    else {
      throw invalidResponse(what, "the answer names no batch", isWrite: isWrite)
    }
    return snapshot
  }
}
