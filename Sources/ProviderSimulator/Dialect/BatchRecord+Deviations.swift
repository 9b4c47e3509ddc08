import BatchCore
import Wire

/// Batches as servers show them that speak like OpenAI, and differ.
extension BatchRecord {
  func writeTogether(into writer: inout JSONWriter, hidesFiles: Bool) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("endpoint", path)
    writer.field("input_file_id", inputFileID)
    let isRunning = [.inProgress, .finalizing, .cancelling].contains(status)
    writer.field("status", isRunning ? "IN_PROGRESS" : status.rawValue.uppercased())
    writer.key("output_file_id")
    writer.string(orNull: hidesFiles ? nil : outputFileID)
    writer.key("error_file_id")
    writer.string(orNull: hidesFiles ? nil : errorFileID)
    if let problem = problems.first { writer.field("error", problem.message) }
    writer.key("progress")
    writer.raw(String(total == 0 ? 0.0 : Double(completed + failed) / Double(total) * 100).utf8)
    writer.field("created_at", Self.time(createdAt))
    writer.key("model_id")
    writer.string(orNull: model)
    writer.endObject()
  }

  func writeNovita(into writer: inout JSONWriter, hidesFiles: Bool) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("object", "batch")
    writer.field("endpoint", path)
    writer.field("input_file_id", inputFileID)
    let isRunning = status == .inProgress || status == .finalizing
    writer.field("status", isRunning ? "PROGRESS" : status.rawValue.uppercased())
    writer.key("output_file_id")
    writer.string(orNull: hidesFiles ? nil : outputFileID)
    writer.key("error_file_id")
    writer.string(orNull: hidesFiles ? nil : errorFileID)
    writer.key("errors")
    writer.string(orNull: problems.first?.message)
    writer.field("created_at", String(createdAt))
    writer.key("in_progress_at")
    writer.raw(#"{"seconds":\#(inProgressAt ?? 0)}"#.utf8)
    writer.field("total", total)
    writer.field("completed", completed)
    writer.field("failed", failed)
    writer.key("metadata")
    if let metadata { writer.raw(metadata) } else { writer.null() }
    writer.endObject()
  }

  /// Counters instead of a status.
  func writeXAI(into writer: inout JSONWriter) {
    let isOver = status.isTerminal
    let pending = isOver ? 0 : max(1, total - completed - failed)
    writer.beginObject()
    writer.field("batch_id", id)
    writer.key("name")
    if let metadata { writer.raw(metadata) } else { writer.null() }
    writer.field("input_file_id", inputFileID)
    writer.field("create_time", Self.time(createdAt))
    writer.field("expire_time", Self.time(createdAt + 86_400))
    writer.key("cancel_time")
    writer.string(orNull: (status == .failed ? failedAt : cancelledAt).map(Self.time))
    writer.key("cancel_by_xai_message")
    writer.string(orNull: problems.first?.message)
    writer.key("state")
    writer.beginObject()
    writer.field("num_requests", total)
    writer.field("num_pending", total == 0 ? 0 : pending)
    writer.field("num_success", completed)
    writer.field("num_error", failed)
    writer.field("num_cancelled", isOver ? max(0, total - completed - failed) : 0)
    writer.endObject()
    writer.endObject()
  }

  private static func time(_ second: Int) -> String {
    RFC3339.format(Timestamp(milliseconds: Int64(second) * 1000))
  }
}
