import BatchCore
import Hummingbird
import Threading
import Wire

extension SimulatorResponder {
  /// What is under `/_sim`: needs no key.
  func administer(_ route: Route, _ request: Request) async throws -> Response {
    switch route {
    case .log: return stream(paid.path, bytes: paid.size)
    case .calls:
      try await calls.flush()
      return stream(calls.path, bytes: calls.size)
    case .stats: return Reply.json(stats)
    case .timeline: return Reply.json(timeline(Query(request.head.path ?? "")))
    case .behaviour: return Reply.json(settings.json)
    case .changeBehaviour:
      let change = try await json(request)
      do {
        try settings.change(change, now: WallClock.monotonicNanoseconds)
      } catch {
        throw APIError.invalid(error.description)
      }
      return Reply.json(settings.json)
    case .reset:
      try await engine.reset()
      try await calls.reset()
      counters.reset()
      traffic.reset()
      limiter.withLock { $0 = RateLimiter() }
      batchCreates.withLock { $0 = RateLimiter() }
      controlCalls.withLock { $0 = 0 }
      return Reply.json(Array("{}".utf8))
    default: return Reply.json(Array(#"{"status":"ok"}"#.utf8))
    }
  }

  private var stats: [UInt8] {
    let totals = paid.summary
    let (files, batches, rows, byStatus) = catalog.counts
    return Self.object { writer in
      writer.beginObject()
      writer.field("uptime_ms", WallClock.milliseconds - startedAt)
      // What was accepted for execution, over all starts: the witness.
      writer.field("sync_calls", totals.syncCalls)
      writer.field("batch_rows", totals.batchRows)
      writer.field("batch_rows_accepted", rows)
      writer.field("paid", totals.sequence)
      writer.field("distinct_prompts", paid.distinctPrompts)
      writer.field("duplicated_prompts", totals.duplicatedPrompts)
      writer.field("duplicate_payments", totals.duplicatePayments)
      writer.field("input_tokens", totals.inputTokens)
      writer.field("output_tokens", totals.outputTokens)
      writer.key("pico_usd")
      writer.raw(String(totals.picoUSD).utf8)
      writer.field("usd", PicoUSD(Int64(clamping: totals.picoUSD)).dollars)
      writer.field("files", files)
      writer.field("batches", batches)
      writer.key("batches_by_status")
      writer.beginObject()
      for (status, count) in byStatus.sorted(by: { $0.key < $1.key }) { writer.field(status, count) }
      writer.endObject()
      // Since this start.
      writer.key("counters")
      writer.beginObject()
      for (name, count) in counters.all { writer.field(name, count) }
      writer.endObject()
      traffic.snapshot.write(into: &writer)
      writer.endObject()
    }
  }

  /// Synchronous calls by the second: all, or those of a key's fingerprint and a model.
  private func timeline(_ query: Query) -> [UInt8] {
    let state = traffic.snapshot
    return Self.object { writer in
      writer.beginObject()
      writer.key("seconds")
      state.timeline(key: query["key"], model: query["model"]).write(now: WallClock.seconds, into: &writer)
      writer.endObject()
    }
  }
}
