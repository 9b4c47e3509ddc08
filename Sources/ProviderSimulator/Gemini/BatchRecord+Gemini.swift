import BatchCore
import Wire

extension BatchRecord {
  /// Whether it is one of Gemini's.
  var isGemini: Bool { endpoint == .generateContent }

  /// The operation as Gemini shows it.
  ///
  /// - Parameter hidesFiles: Shows no results yet, although it has succeeded.
  func writeGemini(into writer: inout JSONWriter, _ behaviour: Behaviour, hidesFiles: Bool) {
    let output = hidesFiles ? nil : outputFileID
    let isInResponse = behaviour.geminiOutputInResponse && ordinal % 3 == 2
    writer.beginObject()
    writer.field("name", "batches/" + id)
    writer.key("metadata")
    writer.beginObject()
    writer.field("@type", "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch")
    writer.field("model", "models/" + (model ?? ""))
    writer.key("displayName")
    if let metadata { writer.raw(metadata) } else { writer.string("") }
    writer.field("createTime", Self.time(createdAt))
    writer.field("updateTime", Self.time(inProgressAt ?? createdAt))
    if let ended = completedAt ?? failedAt ?? expiredAt ?? cancelledAt { writer.field("endTime", Self.time(ended)) }
    writer.key("inputConfig")
    writer.beginObject()
    writer.field("fileName", "files/" + inputFileID)
    writer.endObject()
    if !behaviour.geminiLateCounts || (status.isTerminal && ordinal % 2 == 0) { writeStats(into: &writer) }
    writer.field("state", stateName(behaviour))
    if let output, !isInResponse {
      writer.key("output")
      Self.writeOutput(output, into: &writer)
    }
    if behaviour.quirkOddFields {
      writer.key("somethingNew")
      writer.raw(#"{"that":["nobody",{"knows":1.50}]}"#.utf8)
    }
    writer.endObject()
    if status.isTerminal {
      writer.key("done")
      writer.bool(true)
    }
    if let problem = problems.first {
      writer.key("error")
      writer.beginObject()
      writer.field("code", problem.code.contains("limit") ? 8 : 3)
      writer.field("message", problem.message)
      writer.endObject()
    } else if let output {
      writer.key("response")
      Self.writeOutput(output, into: &writer)
    }
    writer.endObject()
  }

  private static func writeOutput(_ file: String, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("responsesFile", "files/" + file)
    writer.endObject()
  }

  /// Whole numbers of 64 bits are texts.
  private func writeStats(into writer: inout JSONWriter) {
    writer.key("batchStats")
    writer.beginObject()
    writer.field("requestCount", String(total))
    writer.field("successfulRequestCount", String(completed))
    if failed > 0 { writer.field("failedRequestCount", String(failed)) }
    writer.endObject()
  }

  private func stateName(_ behaviour: Behaviour) -> String {
    let name =
      switch status {
      case .validating: "PENDING"
      case .inProgress, .finalizing: "RUNNING"
      case .cancelling: behaviour.geminiJobStates && ordinal % 2 == 1 ? "CANCELLING" : "RUNNING"
      case .completed: "SUCCEEDED"
      case .failed: "FAILED"
      case .expired: "EXPIRED"
      case .cancelled: "CANCELLED"
      }
    return (behaviour.geminiJobStates && ordinal % 2 == 1 ? "JOB_STATE_" : "BATCH_STATE_") + name
  }

  private static func time(_ second: Int) -> String {
    RFC3339.format(Timestamp(milliseconds: Int64(second) * 1000)).prefix(19) + ".123456789Z"
  }
}
