import BatchCore

/// What is printed at the end of a submission.
struct SubmitSummary {
  let tally: SubmitTally.Snapshot
  let elapsed: Duration

  var lines: [String] {
    let seconds = max(0.001, elapsed / .seconds(1))
    var rows = [
      ("sent", "\(tally.sent)"),
      ("delivered", "\(tally.answered) (\(tally.answered - tally.failed) succeeded, \(tally.failed) failed)"),
    ]
    if tally.answered < tally.sent { rows.append(("unanswered", "\(tally.sent - tally.answered)")) }
    for (code, count) in tally.failures.sorted(by: { $0.value > $1.value }) { rows.append(("  \(code)", "\(count)")) }
    if tally.duplicates > 0 { rows.append(("duplicates", "\(tally.duplicates) (same message_id, dropped)")) }
    rows.append(("batches", "\(tally.batches.count)"))
    rows.append(("tokens", "\(tally.inputTokens) in, \(tally.outputTokens) out"))
    rows.append(("cost", cost))
    for lane in Lane.allCases {
      guard let latencies = tally.latencies[lane]?.sorted(), !latencies.isEmpty else { continue }
      rows.append(
        (
          "\(lane.name)",
          "\(latencies.count) answered, p50 \(fixed(percentile(latencies, 0.5), 3)) s, "
            + "p95 \(fixed(percentile(latencies, 0.95), 3)) s"
        ))
    }
    rows.append(("time", "\(fixed(seconds, 1)) s, \(Int(Double(tally.answered) / seconds)) requests/s"))
    let width = rows.map(\.0.count).max() ?? 0
    return rows.map { "  " + $0.0 + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
  }

  private var cost: String {
    var text = "$\(money(tally.cost))"
    if tally.listPrice > 0 {
      let saved = 100 * (1 - Double(tally.cost) / Double(tally.listPrice))
      text += " (list price $\(money(tally.listPrice)), saved \(fixed(saved, 1)) %)"
    }
    if tally.unpriced > 0 { text += ", and \(tally.unpriced) answers of models without a known price" }
    return text
  }

  private func percentile(_ sorted: [Double], _ share: Double) -> Double {
    sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
}
