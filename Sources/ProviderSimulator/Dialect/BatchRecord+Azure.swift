import BatchCore
import Wire

extension BatchRecord {
  /// The object as a dialect shows it.
  ///
  /// - Parameter hidesFiles: Shows neither output nor error file, as the provider sometimes does for a moment.
  func write(into writer: inout JSONWriter, behaviour: Behaviour, hidesFiles: Bool = false) {
    switch dialect {
    case .openAI, .anthropic, .noBatch, .noCreate: write(into: &writer, hidesFiles: hidesFiles)
    case .gemini: writeGemini(into: &writer, behaviour, hidesFiles: hidesFiles)
    case .mistral: writeMistral(into: &writer, behaviour, hidesFiles: hidesFiles)
    case .together: writeTogether(into: &writer, hidesFiles: hidesFiles)
    case .xai: writeXAI(into: &writer)
    case .novita: writeNovita(into: &writer, hidesFiles: hidesFiles)
    case .azure, .azureDated: writeAzure(into: &writer, behaviour, hidesFiles: hidesFiles)
    }
  }

  private func writeAzure(into writer: inout JSONWriter, _ behaviour: Behaviour, hidesFiles: Bool) {
    writer.beginObject()
    writer.field("object", "batch")
    writer.field("id", id)
    writer.field("status", behaviour.azureCapitalStatuses ? status.capitalised : status.rawValue)
    writer.field("endpoint", path)
    writer.field("input_file_id", inputFileID)
    writer.field("completion_window", "24h")
    writer.key("output_file_id")
    writer.string(orNull: hidesFiles ? nil : outputFileID)
    writer.key("error_file_id")
    writer.string(orNull: hidesFiles ? nil : errorFileID)
    writer.key("errors")
    writeProblems(into: &writer)
    let times = [("created_at", Optional(createdAt)), ("expires_at", createdAt + 86_400)] + times
    for (name, time) in times {
      writer.key(name)
      if let time, behaviour.azureTextTimes {
        writer.string(RFC3339.format(Timestamp(milliseconds: Int64(time) * 1000)))
      } else {
        writer.int(orNull: time)
      }
    }
    writer.key("request_counts")
    writer.beginObject()
    // Unknown, and said so, until the rows run.
    let isUnknown = behaviour.azureNullCounts && (status == .validating || total == 0)
    for (name, count) in [("total", total), ("completed", completed), ("failed", failed)] {
      writer.key(name)
      writer.int(orNull: isUnknown ? nil : count)
    }
    writer.endObject()
    writer.key("metadata")
    if let metadata { writer.raw(metadata) } else { writer.null() }
    writer.endObject()
  }
}

extension BatchRecord.Status {
  /// `Validating`, as in Azure's samples.
  fileprivate var capitalised: String { rawValue.prefix(1).uppercased() + rawValue.dropFirst() }
}
