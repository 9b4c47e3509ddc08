import BatchCore
import Wire

/// Reads a batch: an operation whose metadata say what became of it. Everything but the name may be missing.
enum GeminiSnapshot {
  static func snapshot(_ operation: JSONSlice) -> BatchSnapshot? {
    guard let id = text(operation, "name") else { return nil }
    let metadata = operation["metadata"]
    var snapshot = BatchSnapshot(id: id, state: state(operation, metadata))
    snapshot.label = metadata.flatMap { text($0, "displayName") }
    snapshot.inputFileID = metadata?["inputConfig"].flatMap { text($0, "fileName") }
    // Results are shown in the metadata, and by some in the response.
    let output = [metadata?["output"], operation["response"]?["output"], operation["response"]].compactMap { $0 }
    snapshot.outputFileID = output.lazy.compactMap { text($0, "responsesFile") }.first
    snapshot.counts = metadata?["batchStats"].flatMap(counts)
    snapshot.createdAt = metadata?["createTime"].flatMap(ProviderTime.timestamp)
    snapshot.problems = operation["error"].flatMap(problem).map { [$0] } ?? []
    // The results may be shown later than the success, and the counts then are not the last ones either.
    if snapshot.state == .completed, snapshot.outputFileID == nil { snapshot.counts = nil }
    return snapshot
  }

  /// `BATCH_STATE_RUNNING` or `JOB_STATE_RUNNING`; without a state, what the operation itself says.
  private static func state(_ operation: JSONSlice, _ metadata: JSONSlice?) -> BatchState {
    let status = metadata?["state"]?.string ?? ""
    var name = status.uppercased()
    for prefix in ["BATCH_STATE_", "JOB_STATE_"] where name.hasPrefix(prefix) { name.removeFirst(prefix.count) }
    switch name {
    case "UPDATING", "PAUSED": return .running
    case "PARTIALLY_SUCCEEDED": return .completed
    case "", "UNSPECIFIED":
      guard operation["done"]?.bool == true else { return .unrecognised(status) }
      return operation["error"].map { !$0.isNull } ?? false ? .failed : .completed
    default:
      let state = SnapshotParser.state(name)
      if case .unrecognised = state { return .unrecognised(status) }
      return state
    }
  }

  /// Why all of it failed, in words that are known of other providers.
  private static func problem(_ error: JSONSlice) -> BatchSnapshot.Problem? {
    guard let parsed = ErrorBody(error: error) else { return nil }
    let status = parsed.type.flatMap { GoogleStatus(rawValue: $0) } ?? error["code"]?.int64.flatMap(GoogleStatus.init)
    let code =
      switch status {
      case .resourceExhausted: "rate_limit_exceeded"
      case .internalError, .unavailable, .unknown, .aborted, .dataLoss, .deadlineExceeded, .cancelled: "server_error"
      case .unauthenticated: "authentication_error"
      // The input file is gone, and comes again with the next try.
      case .permissionDenied where Classification.isAboutFile(parsed): "server_error"
      case .permissionDenied: "permission_denied"
      default: parsed.label?.lowercased() ?? ""
      }
    return BatchSnapshot.Problem(code: code, message: ProviderText.line(parsed.message), line: nil)
  }

  /// Numbers of 64 bits come as strings.
  private static func counts(_ stats: JSONSlice) -> BatchSnapshot.Counts? {
    func count(_ name: String) -> Int? {
      let number = stats[name].flatMap { $0.int64 ?? $0.string.flatMap { Int64($0) } }
      return number.map { Int(clamping: max(0, $0)) }
    }
    guard let total = count("requestCount") else { return nil }
    return BatchSnapshot.Counts(
      total: total, completed: count("successfulRequestCount") ?? 0, failed: count("failedRequestCount") ?? 0)
  }

  private static func text(_ object: JSONSlice, _ name: String) -> String? {
    object[name]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }
}
