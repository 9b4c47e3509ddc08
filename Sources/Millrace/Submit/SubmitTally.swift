import BatchCore
import Threading
import Wire

/// What `submit` knows so far: who was sent, who was answered, at what cost.
final class SubmitTally: Sendable {
  struct Snapshot: Sendable {
    var sent = 0
    var answered = 0
    var failed = 0
    var duplicates = 0
    var failures: [String: Int] = [:]
    var batches: Set<String> = []
    var inputTokens: Int64 = 0
    var outputTokens: Int64 = 0
    /// Pico-USD.
    var cost: Int128 = 0
    var listPrice: Int128 = 0
    var unpriced = 0
    /// Seconds from publish to reply, by lane.
    var latencies: [Lane: [Double]] = [:]
    var sendingDone = false

    var isComplete: Bool { sendingDone && answered >= sent }
  }

  private struct Sent {
    var at: ContinuousClock.Instant
    var lane: Lane
    var answered = false
  }

  private struct State {
    var snapshot = Snapshot()
    var sent: [Sent] = []
  }

  private let models: ModelCatalog
  private let state = Locked(State())

  init(models: ModelCatalog) {
    self.models = models
  }

  var snapshot: Snapshot { state.withLock { $0.snapshot } }

  func sending(_ lanes: [Lane], at now: ContinuousClock.Instant) {
    state.withLock { state in
      state.snapshot.sent += lanes.count
      state.sent += lanes.map { Sent(at: now, lane: $0) }
    }
  }

  func sendingDone() { state.withLock { $0.snapshot.sendingDone = true } }

  /// Counts a reply to the given line, from 0. Returns whether it is the line's first.
  func answered(_ line: Int, _ reply: ReplySummary, at now: ContinuousClock.Instant) -> Bool {
    let price = reply.model.flatMap { models.price(of: $0, at: reply.provider ?? "") }
    return state.withLock { state in
      guard state.sent.indices.contains(line), !state.sent[line].answered else {
        state.snapshot.duplicates += 1
        return false
      }
      state.sent[line].answered = true
      let sent = state.sent[line]
      state.snapshot.answered += 1
      state.snapshot.latencies[sent.lane, default: []].append((now - sent.at) / .seconds(1))
      if !reply.isSuccess {
        let code = reply.errorCode ?? "unknown"
        state.snapshot.failed += 1
        state.snapshot.failures[code, default: 0] += 1
      }
      if let batch = reply.batchID { state.snapshot.batches.insert(batch) }
      if let usage = reply.usage {
        state.snapshot.inputTokens += usage.inputTokens
        state.snapshot.outputTokens += usage.outputTokens
        if let cost = reply.cost.flatMap({ PicoUSD(dollars: $0) }) {
          state.snapshot.cost += Int128(cost.value)
          state.snapshot.listPrice += Int128(price?.cost(of: usage, basis: .list)?.value ?? cost.value)
        } else {
          state.snapshot.unpriced += 1
        }
      }
      return true
    }
  }
}
