import BatchCore
import Wire

/// Reads a message batch object. Everything but the id may be missing.
enum MessageBatchSnapshot {
  static func snapshot(_ batch: JSONSlice) -> BatchSnapshot? {
    guard let id = batch["id"]?.string, !id.isEmpty else { return nil }
    let counts = Counts(batch["request_counts"])
    let status = batch["processing_status"]?.string ?? ""
    var snapshot = BatchSnapshot(id: id, state: state(status, batch, counts))
    if let counts {
      snapshot.counts = BatchSnapshot.Counts(
        total: counts.total, completed: counts.succeeded, failed: counts.errored)
    }
    snapshot.createdAt = batch["created_at"].flatMap(ProviderTime.timestamp)
    snapshot.expiresAt = batch["expires_at"].flatMap(ProviderTime.timestamp)
    // Results are asked for by the batch's id: a URL from an answer might send the key elsewhere.
    if snapshot.state.isTerminal, batch["results_url"]?.string?.isEmpty == false { snapshot.outputFileID = id }
    return snapshot
  }

  /// All that has ended is `ended`: what became of its rows tells how.
  private static func state(_ status: String, _ batch: JSONSlice, _ counts: Counts?) -> BatchState {
    switch status.lowercased() {
    case "in_progress": return .running
    case "canceling", "cancelling": return .cancelling
    case "ended":
      let isCancelled = batch["cancel_initiated_at"].map { !$0.isNull } ?? false
      if isCancelled, counts?.canceled ?? 1 > 0 { return .cancelled }
      return counts?.expired ?? 0 > 0 ? .expired : .completed
    default: return .unrecognised(status)
    }
  }

  private struct Counts {
    var succeeded = 0
    var errored = 0
    var canceled = 0
    var expired = 0
    var total = 0

    init?(_ object: JSONSlice?) {
      guard let object, object.kind == .object else { return nil }
      func count(_ name: String) -> Int { object[name]?.int64.map { Int(clamping: max(0, $0)) } ?? 0 }
      succeeded = count("succeeded")
      errored = count("errored")
      canceled = count("canceled")
      expired = count("expired")
      total = [succeeded, errored, canceled, expired, count("processing")].reduce(0) { sum, part in
        let (next, overflow) = sum.addingReportingOverflow(part)
        return overflow ? .max : next
      }
    }
  }
}
