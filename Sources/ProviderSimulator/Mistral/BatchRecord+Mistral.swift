import BatchCore
import Wire

extension BatchRecord {
  var isMistral: Bool { dialect == .mistral }

  /// The job as Mistral shows it.
  func writeMistral(into writer: inout JSONWriter, _ behaviour: Behaviour, hidesFiles: Bool) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("object", "batch")
    writer.key("input_files")
    writer.beginArray()
    writer.string(inputFileID)
    writer.endArray()
    writer.key("metadata")
    if let metadata { writer.raw(metadata) } else { writer.null() }
    writer.field("endpoint", endpoint.sentPath)
    writer.key("model")
    writer.string(orNull: model)
    writer.key("agent_id")
    writer.null()
    writer.key("output_file")
    writer.string(orNull: hidesFiles ? nil : outputFileID)
    writer.key("error_file")
    writer.string(orNull: hidesFiles ? nil : errorFileID)
    writer.key("errors")
    writeMistralProblems(into: &writer)
    writer.field("status", mistralStatus)
    writer.field("created_at", createdAt)
    writer.field("total_requests", total)
    writer.field("completed_requests", completed + failed)
    writer.field("succeeded_requests", completed)
    writer.field("failed_requests", failed)
    writer.key("started_at")
    writer.int(orNull: inProgressAt)
    writer.key("completed_at")
    writer.int(orNull: completedAt ?? failedAt ?? expiredAt ?? cancelledAt)
    writer.key("outputs")
    writer.null()
    if behaviour.mistralOddFields {
      writer.key("something_new")
      writer.raw(#"{"that":["nobody","knows"]}"#.utf8)
    }
    writer.endObject()
  }

  private var mistralStatus: String {
    switch status {
    case .validating: "QUEUED"
    case .inProgress, .finalizing: "RUNNING"
    case .completed: "SUCCESS"
    case .failed: "FAILED"
    case .expired: "TIMEOUT_EXCEEDED"
    case .cancelling: "CANCELLATION_REQUESTED"
    case .cancelled: "CANCELLED"
    }
  }

  /// Each message once, with the number of lines that it is about.
  private func writeMistralProblems(into writer: inout JSONWriter) {
    let counts = Dictionary(problems.map { ($0.message, 1) }, uniquingKeysWith: +)
    writer.beginArray()
    for (message, count) in counts.sorted(by: { $0.key < $1.key }) {
      writer.beginObject()
      writer.field("message", message)
      writer.field("count", count)
      writer.endObject()
    }
    writer.endArray()
  }
}
