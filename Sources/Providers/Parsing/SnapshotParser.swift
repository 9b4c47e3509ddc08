import BatchCore
import Wire

/// Reads a batch object. Everything but the id may be missing.
enum SnapshotParser {
  static func snapshot(_ batch: JSONSlice) -> BatchSnapshot? {
    guard let id = text(batch, "id") ?? text(batch, "batch_id") else { return nil }
    var snapshot = BatchSnapshot(id: id, state: state(batch["status"]?.string ?? ""))
    snapshot.label = batch["metadata"].flatMap { text($0, OpenAIProvider.labelKey) }
    snapshot.inputFileID = text(batch, "input_file_id")
    snapshot.outputFileID = text(batch, "output_file_id")
    snapshot.errorFileID = text(batch, "error_file_id")
    snapshot.counts = counts(batch)
    snapshot.usage = batch["usage"].flatMap { UsageParser.usage($0) }
    snapshot.problems = problems(batch)
    snapshot.createdAt = batch["created_at"].flatMap(ProviderTime.timestamp)
    snapshot.expiresAt = batch["expires_at"].flatMap(ProviderTime.timestamp)
    return snapshot
  }

  static func state(_ status: String) -> BatchState {
    switch status.lowercased().filter({ $0 != "_" && $0 != " " }) {
    case "validating", "queued", "pending", "created": .queued
    case "inprogress", "running", "finalizing", "progress", "processing": .running
    case "cancelling", "canceling", "cancellationrequested": .cancelling
    case "completed", "complete", "succeeded", "success": .completed
    case "failed": .failed
    case "expired", "timeoutexceeded": .expired
    case "cancelled", "canceled": .cancelled
    default: .unrecognised(status)
    }
  }

  private static func counts(_ batch: JSONSlice) -> BatchSnapshot.Counts? {
    let nested = batch["request_counts"]
    func count(_ name: String, _ flat: String) -> Int? {
      let number = nested?[name]?.int64 ?? batch[flat]?.int64 ?? batch[name]?.int64
      return number.flatMap { Int(exactly: max(0, $0)) }
    }
    let total = count("total", "total_requests")
    let completed = count("completed", "completed_requests")
    let failed = count("failed", "failed_requests")
    if total == nil, completed == nil, failed == nil { return nil }
    let (ended, overflow) = (completed ?? 0).addingReportingOverflow(failed ?? 0)
    return BatchSnapshot.Counts(
      total: total ?? (overflow ? .max : ended), completed: completed ?? 0, failed: failed ?? 0)
  }

  /// `errors` as a list object, a bare list or a text; else `error` as a text or an object.
  private static func problems(_ batch: JSONSlice) -> [BatchSnapshot.Problem] {
    guard let errors = batch["errors"], !errors.isNull else {
      return batch["error"].flatMap(problem).map { [$0] } ?? []
    }
    if errors.kind == .array { return errors.elements.compactMap(problem) }
    if let data = errors["data"] { return data.elements.compactMap(problem) }
    return problem(errors).map { [$0] } ?? []
  }

  private static func problem(_ slice: JSONSlice) -> BatchSnapshot.Problem? {
    guard let error = ErrorBody(error: slice) else { return nil }
    return BatchSnapshot.Problem(
      code: error.label ?? "", message: ProviderText.line(error.message),
      line: slice["line"]?.int64.flatMap { Int(exactly: $0) })
  }

  private static func text(_ object: JSONSlice, _ name: String) -> String? {
    object[name]?.string.flatMap { $0.isEmpty ? nil : $0 }
  }
}
