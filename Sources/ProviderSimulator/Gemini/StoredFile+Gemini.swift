import BatchCore
import Wire

extension StoredFile {
  static let geminiPurpose = "gemini"

  /// The object as Gemini shows it.
  /// - Parameter now: Milliseconds since 1970.
  func writeGemini(into writer: inout JSONWriter, now: Int) {
    let isUploaded = purpose == Self.geminiPurpose
    writer.beginObject()
    writer.field("name", "files/" + id)
    if isUploaded { writer.field("displayName", filename) }
    writer.field("mimeType", "application/jsonl")
    writer.field("sizeBytes", String(bytes))
    writer.field("createTime", RFC3339.format(Timestamp(milliseconds: Int64(createdAt) * 1000)))
    writer.field("state", isProcessed(at: now) ? "ACTIVE" : "PROCESSING")
    writer.field("source", isUploaded ? "UPLOADED" : "GENERATED")
    writer.endObject()
  }
}
