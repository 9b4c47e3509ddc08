import BatchCore
import Wire

extension BatchRecord {
  /// Whether it is one of Anthropic's.
  var isMessages: Bool { endpoint == .messages }

  /// The object as Anthropic shows it.
  ///
  /// - Parameters:
  ///   - hidesResults: Shows no results yet, although it has ended.
  ///   - quirks: What of the provider's oddities is shown.
  ///   - host: Whom the results are to be asked of.
  func writeMessageBatch(into writer: inout JSONWriter, hidesResults: Bool, quirks: Behaviour, host: String) {
    func time(_ second: Int?) -> String? {
      guard let second else { return nil }
      let text = RFC3339.format(Timestamp(milliseconds: Int64(second) * 1000)).prefix(19)
      return text + (quirks.quirkOddFields ? ".000001+00:00" : "Z")
    }
    writer.beginObject()
    writer.field("id", id)
    writer.field("type", "message_batch")
    writer.field("processing_status", status.isTerminal ? "ended" : status == .cancelling ? "canceling" : "in_progress")
    writer.key("request_counts")
    writeCounts(quirks, into: &writer)
    writer.field("created_at", time(createdAt) ?? "")
    writer.field("expires_at", time(createdAt + 86_400) ?? "")
    writer.key("ended_at")
    writer.string(orNull: time(completedAt ?? expiredAt ?? cancelledAt ?? failedAt))
    writer.key("cancel_initiated_at")
    writer.string(orNull: time(cancellingAt))
    writer.key("archived_at")
    writer.null()
    writer.key("results_url")
    let hasResults = status.isTerminal && !hidesResults
    writer.string(orNull: hasResults ? "http://\(host)/v1/messages/batches/\(id)/results" : nil)
    if quirks.quirkOddFields {
      writer.key("something_new")
      writer.raw(#"{"that":["nobody","knows"]}"#.utf8)
    }
    writer.endObject()
  }

  private func writeCounts(_ quirks: Behaviour, into writer: inout JSONWriter) {
    let isHidden = quirks.quirkHiddenProgress && !status.isTerminal
    let (succeeded, errored) = isHidden ? (0, 0) : (completed, failed)
    let rest = max(0, total - succeeded - errored)
    writer.beginObject()
    writer.field("processing", status.isTerminal ? 0 : rest)
    writer.field("succeeded", succeeded)
    writer.field("errored", errored)
    writer.field("canceled", status == .cancelled ? rest : 0)
    writer.field("expired", status == .expired ? rest : 0)
    writer.endObject()
  }
}
