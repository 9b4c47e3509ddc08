import BatchCore
import Wire

extension BatchRecord {
  /// The object as the provider shows it.
  ///
  /// - Parameter hidesFiles: Shows neither output nor error file, as the provider sometimes does for a moment.
  func write(into writer: inout JSONWriter, hidesFiles: Bool = false) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("object", "batch")
    writer.field("endpoint", path)
    writer.key("model")
    writer.string(orNull: model)
    writer.key("errors")
    writeProblems(into: &writer)
    writer.field("input_file_id", inputFileID)
    writer.field("completion_window", "24h")
    writer.field("status", status.rawValue)
    writer.key("output_file_id")
    writer.string(orNull: hidesFiles ? nil : outputFileID)
    writer.key("error_file_id")
    writer.string(orNull: hidesFiles ? nil : errorFileID)
    writer.field("created_at", createdAt)
    writer.field("expires_at", createdAt + 86_400)
    writeTimes(into: &writer)
    writer.key("request_counts")
    writer.beginObject()
    writer.field("total", total)
    writer.field("completed", completed)
    writer.field("failed", failed)
    writer.endObject()
    writer.key("usage")
    writer.beginObject()
    writer.field("input_tokens", inputTokens)
    writer.key("input_tokens_details")
    writer.raw(#"{"cached_tokens":0}"#.utf8)
    writer.field("output_tokens", outputTokens)
    writer.key("output_tokens_details")
    writer.raw(#"{"reasoning_tokens":0}"#.utf8)
    writer.field("total_tokens", inputTokens + outputTokens)
    writer.endObject()
    writer.key("metadata")
    if let metadata { writer.raw(metadata) } else { writer.null() }
    writer.endObject()
  }

  /// The object as the journal keeps it.
  func writeJournal(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("project", project)
    writer.field("key", key)
    writer.field("ordinal", ordinal)
    writer.field("endpoint", path)
    writer.field("dialect", dialect.rawValue)
    writer.field("input_file_id", inputFileID)
    writer.field("created_at", createdAt)
    writer.key("metadata")
    if let metadata { writer.raw(metadata) } else { writer.null() }
    writer.key("output_lifetime")
    writer.int(orNull: outputLifetime)
    writer.field("status", status.rawValue)
    writer.key("model")
    writer.string(orNull: model)
    writer.key("errors")
    writeProblems(into: &writer)
    writer.key("output_file_id")
    writer.string(orNull: outputFileID)
    writer.key("error_file_id")
    writer.string(orNull: errorFileID)
    writeTimes(into: &writer)
    writer.field("total", total)
    writer.field("completed", completed)
    writer.field("failed", failed)
    writer.field("input_tokens", inputTokens)
    writer.field("output_tokens", outputTokens)
    writer.field("enqueued_tokens", enqueuedTokens)
    writer.key("expires_after_rows")
    writer.int(orNull: expiresAfterRows)
    writer.endObject()
  }

  init?(journal: JSONSlice) {
    let record = JournalRecord(journal)
    guard let id = record.text("id"), let project = record.text("project"), let key = record.text("key"),
      let ordinal = record.number("ordinal"),
      let path = record.text("endpoint"), let endpoint = Endpoint(spelling: path),
      let inputFileID = record.text("input_file_id"), let createdAt = record.number("created_at"),
      let status = record.text("status").flatMap({ Status(rawValue: $0) })
    else { return nil }
    self.init(
      id: id, project: project, key: key, ordinal: ordinal, endpoint: endpoint, path: path,
      dialect: record.text("dialect").flatMap { Dialect(rawValue: $0) } ?? .openAI, inputFileID: inputFileID,
      createdAt: createdAt, metadata: record.raw("metadata"), outputLifetime: record.number("output_lifetime"))
    self.status = status
    model = record.text("model")
    outputFileID = record.text("output_file_id")
    errorFileID = record.text("error_file_id")
    inProgressAt = record.number("in_progress_at")
    finalizingAt = record.number("finalizing_at")
    completedAt = record.number("completed_at")
    failedAt = record.number("failed_at")
    expiredAt = record.number("expired_at")
    cancellingAt = record.number("cancelling_at")
    cancelledAt = record.number("cancelled_at")
    total = record.number("total") ?? 0
    completed = record.number("completed") ?? 0
    failed = record.number("failed") ?? 0
    inputTokens = record.number("input_tokens") ?? 0
    outputTokens = record.number("output_tokens") ?? 0
    enqueuedTokens = record.number("enqueued_tokens") ?? 0
    expiresAfterRows = record.number("expires_after_rows")
    if let data = record["errors"]?["data"] {
      for problem in data.elements {
        let fields = JournalRecord(problem)
        problems.append(
          Problem(
            code: fields.text("code") ?? "", message: fields.text("message") ?? "", param: fields.text("param"),
            line: fields.number("line")))
      }
    }
  }

  /// By the names of the steps that they were taken at.
  var times: [(String, Int?)] {
    [
      ("in_progress_at", inProgressAt), ("finalizing_at", finalizingAt), ("completed_at", completedAt),
      ("failed_at", failedAt), ("expired_at", expiredAt), ("cancelling_at", cancellingAt),
      ("cancelled_at", cancelledAt),
    ]
  }

  private func writeTimes(into writer: inout JSONWriter) {
    for (name, time) in times {
      writer.key(name)
      writer.int(orNull: time)
    }
  }

  func writeProblems(into writer: inout JSONWriter) {
    guard !problems.isEmpty else { return writer.null() }
    writer.beginObject()
    writer.field("object", "list")
    writer.key("data")
    writer.beginArray()
    for problem in problems {
      writer.beginObject()
      writer.field("code", problem.code)
      writer.field("message", problem.message)
      writer.key("param")
      writer.string(orNull: problem.param)
      writer.key("line")
      writer.int(orNull: problem.line)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}
