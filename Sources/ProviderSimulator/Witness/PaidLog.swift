import BatchCore
import Threading

/// The witness: what the simulator was paid for, one JSON line each, written before anything is answered.
///
/// A line stands for a synchronous call that was accepted, whether its answer reached the caller or not, or for a row
/// of a batch that was run, whether its result has a line or not. What was refused, or failed without having run, costs
/// nothing and has no line; the counters of `/_sim/stats` tell of it.
final class PaidLog: Sendable {
  /// A row of a batch that was run before the simulator was restarted.
  struct ExecutedRow: Hashable, Sendable {
    var attempt: Int
    var isMissing: Bool
    var cachedTokens = 0
  }

  private let log: AppendLog
  private let totals: Locked<PaidTotals>

  /// - Parameters:
  ///   - path: The file; read whole, and continued.
  ///   - batches: The batches whose rows ``executed`` is to hold.
  init(path: String, unfinished batches: Set<String>) throws(SimulatorError) {
    log = try AppendLog(path: path, threadName: "sim-witness")
    var reader = PaidLogReader(batches: batches)
    try reader.read(path)
    totals = Locked(reader.totals)
    executed = reader.executed
  }

  /// By batch id and line of the input file.
  let executed: [String: [Int: ExecutedRow]]

  var path: String { log.path }
  var size: Int { log.size }
  var summary: PaidTotals {
    totals.withLock { totals in
      var copy = totals
      copy.prompts = [:]
      return copy
    }
  }

  /// What these keys are paid for together.
  func spending(of keys: Set<String>) -> PaidTotals.Spending {
    totals.withLock { totals in
      keys.reduce(into: PaidTotals.Spending()) { sum, key in
        guard let spending = totals.spending[key] else { return }
        sum.count += spending.count
        sum.picoUSD += spending.picoUSD
      }
    }
  }

  var distinctPrompts: Int { totals.withLock { $0.prompts.count } }

  func nextAttempt(_ promptHash: UInt64) -> Int {
    totals.withLock { $0.nextAttempt(promptHash) }
  }

  /// How often the prompt was tried, without counting.
  func attempts(_ promptHash: UInt64) -> Int {
    totals.withLock { Int($0.prompts[promptHash]?.attempts ?? 0) }
  }

  /// Returns when the entries are in the file, in this order and without others between.
  func append(_ entries: [PaidEntry]) async throws(SimulatorError) {
    guard !entries.isEmpty else { return }
    let ticket = totals.withLock { totals in
      for entry in entries {
        totals.add(
          key: entry.key, isBatch: entry.kind == .batch, promptHash: Bytes.word(entry.promptDigest),
          attempt: entry.attempt,
          inputTokens: entry.inputTokens, outputTokens: entry.outputTokens, picoUSD: entry.cost.value)
      }
      var sequence = totals.sequence
      totals.sequence += entries.count
      // Within the lock, so that the order of the file is that of the numbers.
      return log.append { buffer in
        for entry in entries {
          sequence += 1
          entry.write(sequence: sequence, to: &buffer)
        }
      }
    }
    try await log.flush(ticket)
  }

  /// Forgets everything, the attempts too.
  func reset() async throws(SimulatorError) {
    totals.withLock { $0 = PaidTotals() }
    try await log.reset()
  }

  func stop() async { await log.stop() }
}
