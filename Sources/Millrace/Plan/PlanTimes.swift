import Settings

/// How long a file of requests takes, by each lane.
struct PlanTimes: Sendable {
  var batches: Int
  /// In seconds, from the window's start to the results.
  var deferred: Double
  /// Whether batches of such models were seen before.
  var isLearned: Bool
  /// In seconds at the configured rate limits; nil where none is.
  var interactive: Double?

  /// - Parameter turnaround: How long nine of ten batches take, by what was learned.
  init(_ plan: FilePlan, _ settings: MillraceSettings, turnaround: [FilePlan.Key: Double]) {
    let window = settings.batching.deferred
    batches = 0
    deferred = 0
    isLearned = !plan.lines.isEmpty
    var minutes: [String: (requests: Double, tokens: Double)] = [:]
    for (key, line) in plan.lines {
      let share = Double(plan.bytes) * Double(line.requests) / Double(max(1, plan.requests))
      let parts = max(
        Double(line.requests) / Double(window.maxRequestsPerBatch),
        Double(line.inputTokens) / Double(window.maxTokensPerBatch), share / Double(window.maxBatchBytes))
      batches += max(1, Int(parts.rounded(.up)))
      let known = turnaround[key]
      if known == nil { isLearned = false }
      deferred = max(deferred, known ?? settings.rescue.assumedTurnaround / .seconds(1))
      let sum = minutes[key.provider] ?? (0, 0)
      minutes[key.provider] = (
        sum.requests + Double(line.requests), sum.tokens + Double(line.inputTokens + line.outputTokens)
      )
    }
    deferred += window.idle / .seconds(1)
    for (name, need) in minutes {
      guard let limits = settings.provider(named: name)?.limits else { continue }
      let times = [
        limits.requestsPerMinute.map { need.requests / Double($0) * 60 },
        limits.tokensPerMinute.map { need.tokens / Double($0) * 60 },
      ].compactMap { $0 }
      if let longest = times.max() { interactive = max(interactive ?? 0, longest) }
    }
  }
}
