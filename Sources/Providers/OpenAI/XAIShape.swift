import BatchCore
import Wire

/// xAI's batches: a name instead of metadata, counters instead of a status, and results by the page instead of a file.
struct XAIShape: BatchShape {
  /// What stands in for the id of an output file.
  private static let prefix = "results-of:"

  func create(_ batch: NewBatch) -> [UInt8] {
    var body = JSONWriter()
    body.beginObject()
    body.key("name")
    body.string(batch.label)
    body.key("input_file_id")
    body.string(batch.fileID)
    body.endObject()
    return body.bytes
  }

  func snapshot(_ body: JSONSlice) -> BatchSnapshot? {
    guard var snapshot = SnapshotParser.snapshot(body) else { return nil }
    snapshot.label = body["name"]?.string
    let counters = body["state"]
    func count(_ name: String) -> Int {
      // Numbers of 64 bits may come as texts.
      let number = counters?[name].flatMap { $0.int64 ?? $0.string.flatMap { Int64($0) } } ?? 0
      return Int(clamping: max(0, number))
    }
    let (total, pending) = (count("num_requests"), count("num_pending"))
    snapshot.counts =
      counters == nil
      ? nil : BatchSnapshot.Counts(total: total, completed: count("num_success"), failed: count("num_error"))
    snapshot.state =
      if let cancelled = body["cancel_time"], !cancelled.isNull {
        body["cancel_by_xai_message"]?.string?.isEmpty == false ? .failed : .cancelled
      } else if total == 0 {
        .queued
      } else {
        pending > 0 ? .running : .completed
      }
    if let message = body["cancel_by_xai_message"]?.string, !message.isEmpty {
      snapshot.problems = [
        BatchSnapshot.Problem(code: "cancelled_by_provider", message: ProviderText.line(message), line: nil)
      ]
    }
    if snapshot.state.isTerminal { snapshot.outputFileID = Self.prefix + snapshot.id }
    snapshot.createdAt = snapshot.createdAt ?? body["create_time"].flatMap(ProviderTime.timestamp)
    snapshot.expiresAt = snapshot.expiresAt ?? body["expire_time"].flatMap(ProviderTime.timestamp)
    return snapshot
  }

  func cancelPath(_ batchID: String) -> String { "/batches/\(ProviderText.pathSegment(batchID)):cancel" }

  func list(_ body: JSONSlice) -> JSONSlice? { body["batches"] ?? body["data"] }

  func nextPage(_ body: JSONSlice, _ page: [JSONSlice]) throws(PageError) -> String? {
    guard let token = body["pagination_token"]?.string, !token.isEmpty, !page.isEmpty else { return nil }
    return "&pagination_token=" + ProviderText.pathSegment(token)
  }

  func results(_ fileID: String, of provider: OpenAIProvider) -> (any BatchResultSource)? {
    guard fileID.hasPrefix(Self.prefix) else { return nil }
    return ResultPages(batchID: String(fileID.dropFirst(Self.prefix.count)), of: provider)
  }

  func isNoFile(_ fileID: String) -> Bool { fileID.hasPrefix(Self.prefix) }
}
