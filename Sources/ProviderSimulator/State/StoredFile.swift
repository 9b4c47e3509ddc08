import Wire

/// A file that was uploaded, or that a batch has left.
struct StoredFile: Hashable, Sendable {
  var id: String
  var project: String
  var bytes: Int
  /// Seconds since 1970.
  var createdAt: Int
  var expiresAt: Int?
  var filename: String
  var purpose: String
  /// Until then it cannot be used. A restart ends the processing.
  var processedAtMilliseconds = 0

  func isExpired(at now: Int) -> Bool { expiresAt.map { $0 <= now } ?? false }

  func isProcessed(at milliseconds: Int) -> Bool { processedAtMilliseconds <= milliseconds }

  /// The object as the provider shows it.
  ///
  /// - Parameter now: Milliseconds since 1970.
  func write(into writer: inout JSONWriter, now: Int, _ dialect: Dialect = .openAI) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("object", "file")
    writeCommon(into: &writer)
    if dialect == .together {
      writer.field("processing_status", isProcessed(at: now) ? "COMPLETED" : "PENDING")
      return writer.endObject()
    }
    if dialect == .mistral {
      writeMistralFields(into: &writer)
      return writer.endObject()
    }
    writer.field("status", isProcessed(at: now) ? "processed" : "pending")
    writer.key("status_details")
    writer.null()
    writer.endObject()
  }

  /// The object as the journal keeps it.
  func writeJournal(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("id", id)
    writer.field("project", project)
    writeCommon(into: &writer)
    writer.endObject()
  }

  private func writeCommon(into writer: inout JSONWriter) {
    writer.field("bytes", bytes)
    writer.field("created_at", createdAt)
    writer.key("expires_at")
    writer.int(orNull: expiresAt)
    writer.field("filename", filename)
    writer.field("purpose", purpose)
  }
}

extension StoredFile {
  init?(journal: JSONSlice) {
    let record = JournalRecord(journal)
    guard let id = record.text("id"), let project = record.text("project"), let bytes = record.number("bytes"),
      let createdAt = record.number("created_at"), let filename = record.text("filename"),
      let purpose = record.text("purpose")
    else { return nil }
    self.init(
      id: id, project: project, bytes: bytes, createdAt: createdAt, expiresAt: record.number("expires_at"),
      filename: filename, purpose: purpose)
  }
}
