import BatchCore
import Synchronization
import Wire

/// The results of one of xAI's batches, read a page at a time.
actor ResultPages: BatchResultSource {
  /// Results of a page; each may be as large as an answer.
  private static let limit = 100

  private let batchID: String
  private let provider: OpenAIProvider
  /// What is added to the query of the next page; nil after the last.
  private var cursor: String? = ""
  // Read without the actor, so that a gauge need not wait.
  private nonisolated let unreadable = Atomic<Int>(0)

  nonisolated var unreadableLines: Int { unreadable.load(ordering: .relaxed) }

  init(batchID: String, of provider: OpenAIProvider) {
    self.batchID = batchID
    self.provider = provider
  }

  func next() async throws(ProviderError) -> [BatchResult]? {
    while let at = cursor {
      let what = "results of batch \(provider.text(batchID))"
      let request = provider.makeRequest(
        "GET", "/batches/\(ProviderText.pathSegment(batchID))/results?limit=\(Self.limit)\(at)",
        limits: provider.operationLimits(maximumResponseBytes: provider.maximumResponseBytes))
      let response = try await provider.perform(what, request, isWrite: false)
      guard let body = Self.page(response.body), body.kind == .object else {
        throw provider.invalidResponse(what, "the answer is no page of results", isWrite: false)
      }
      let lines = body["results"].map { Array($0.elements) } ?? []
      let token = body["pagination_token"]?.string ?? ""
      let following = token.isEmpty || lines.isEmpty ? nil : "&pagination_token=" + ProviderText.pathSegment(token)
      guard following == nil || following != at else {
        throw provider.invalidResponse(what, "a page leads to itself", isWrite: false)
      }
      cursor = following
      let results = lines.compactMap { line in
        ResultLine(xai: line)?.result(describedBy: provider)
      }
      unreadable.add(lines.count - results.count, ordering: .relaxed)
      if !results.isEmpty { return results }
    }
    return nil
  }

  private static func page(_ bytes: [UInt8]) -> JSONSlice? {
    if let page = try? JSONSlice.parse(bytes, maximumDepth: JSONDepth.answers) { return page }
    return ProviderText.repaired(bytes).flatMap { try? JSONSlice.parse($0, maximumDepth: JSONDepth.answers) }
  }
}

extension ResultLine {
  /// One of xAI's results; nil if nobody is named who could be answered.
  fileprivate init?(xai line: JSONSlice) {
    guard let customID = line["batch_request_id"]?.string, !customID.isEmpty else { return nil }
    let result = line["batch_result"]
    if let response = result?["response"], response.kind == .object {
      // Named after the kind of call, of which there is one.
      self.init(
        customID: customID, body: response["chat_get_completion"] ?? response.members.first { _ in true }?.value)
    } else {
      self.init(customID: customID, error: result?["error"].flatMap { ErrorBody(error: $0) })
    }
  }
}
