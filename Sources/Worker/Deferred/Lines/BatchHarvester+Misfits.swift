import BatchCore
import Ledger
import Logging

extension BatchHarvester {
  /// Tells of lines that were billed and whose answers fit nobody, and has no more of their kind made.
  func noteMisfits(_ rows: [LineResults.Row], _ recorded: OutcomeRecorder.Recorded, _ batch: BatchRecord) {
    let misfits = rows.filter { $0.misfit != nil }
    if misfits.isEmpty { return }
    context.unshared.insert(batch)
    // Results are read again until their batch is settled.
    let fresh = Set(zip(recorded.outcomes, recorded.results).filter { $1 != .duplicate && $1 != .unknown }.map(\.0.id))
    let lines = Set(misfits.lazy.filter { fresh.contains($0.id) }.compactMap(\.misfit))
    guard let line = lines.min() else { return }
    context.metrics.batch(provider: batch.key.provider, event: "misfit_line", by: lines.count)
    context.logger.warning(
      "An answer does not fit the inputs of its line, which was billed: its requests are sent alone, and those of this model share no lines until the next start",
      metadata: [
        "batch": "\(batch.label)", "line": "\(line)", "lines": "\(lines.count)", "provider": "\(batch.key.provider)",
        "model": "\(batch.key.model)",
      ])
  }
}
