import Threading
import Wire

/// Who did what with which file or batch, and when: a JSON line for each call that was taken, in that order; and who came
/// before the time that he was told.
///
/// Which process it was is told by the caller's User-Agent. Lines of a simulator that is killed may be missing.
final class CallLog: Sendable {
  enum Action: String, Sendable {
    case upload
    case delete
    case fetch
    case create
    case retrieve
    case cancel
    /// A search: of no batch in particular.
    case list
  }

  private let log: AppendLog

  init(path: String) throws(SimulatorError) {
    log = try AppendLog(path: path, threadName: "sim-calls")
  }

  var path: String { log.path }
  var size: Int { log.size }

  func note(_ action: Action, _ id: String?, agent: String?) {
    _ = log.append { buffer in
      var writer = JSONWriter(capacity: 160)
      writer.beginObject()
      writer.field("time", WallClock.milliseconds)
      writer.field("action", action.rawValue)
      writer.key("id")
      writer.string(orNull: id)
      writer.key("agent")
      writer.string(orNull: agent)
      writer.endObject()
      buffer += writer.bytes
      buffer.append(0x0A)
    }
  }

  /// A call that came before the time that a refusal had told, whatever becomes of it.
  func note(_ early: RetryWatch.Early, _ visit: Visit) {
    _ = log.append { buffer in
      var writer = JSONWriter(capacity: 256)
      writer.beginObject()
      writer.field("time", visit.arrival / 1000)
      writer.field("action", "early")
      writer.key("id")
      writer.null()
      writer.key("agent")
      writer.string(orNull: visit.agent)
      writer.field("key", visit.key)
      writer.key("kind")
      writer.string(orNull: visit.kind?.rawValue)
      writer.key("subject")
      writer.string(orNull: visit.subject?.name)
      writer.field("early_ms", early.milliseconds)
      writer.field("told_ms_ago", early.millisecondsSinceTold)
      writer.endObject()
      buffer += writer.bytes
      buffer.append(0x0A)
    }
  }

  /// Returns when everything noted so far is in the file.
  func flush() async throws(SimulatorError) { try await log.flush(log.append { _ in }) }

  func reset() async throws(SimulatorError) { try await log.reset() }

  func stop() async { await log.stop() }
}
