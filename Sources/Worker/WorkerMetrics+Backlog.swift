import BatchCore
import Ledger

/// What lies in the ledger.
extension WorkerMetrics {
  /// Entries that are gone are set to zero, so that a gauge does not keep its last backlog for ever. Models that share a name
  /// are added up.
  func backlog(_ entries: [BacklogEntry], gone: Set<BacklogKey>, now: Timestamp) {
    var sums: [BacklogKey: BacklogEntry] = [:]
    for entry in entries {
      let key = BacklogKey(lane: entry.lane, model: models.label(entry.model))
      sums[key] = sums[key].map { $0 + entry } ?? entry
    }
    for (key, entry) in sums {
      let dimensions = [("lane", key.lane.name), ("model", key.model)]
      set("backlog_requests", dimensions, Double(entry.requests))
      set("backlog_tokens", dimensions, Double(entry.tokens))
      set("backlog_oldest_seconds", dimensions, Double((now - entry.oldest).wholeMilliseconds) / 1000)
      if let deadline = entry.earliestDeadline {
        set("backlog_next_deadline_seconds", dimensions, Double((deadline - now).wholeMilliseconds) / 1000)
      }
    }
    let empty = Set(gone.map { BacklogKey(lane: $0.lane, model: models.label($0.model)) }).subtracting(sums.keys)
    for key in empty {
      let dimensions = [("lane", key.lane.name), ("model", key.model)]
      for label in ["backlog_requests", "backlog_tokens", "backlog_oldest_seconds"] { set(label, dimensions, 0) }
    }
  }
}

/// What backlog gauges are told apart by.
struct BacklogKey: Hashable {
  var lane: Lane
  var model: String
}

extension BacklogEntry {
  fileprivate static func + (left: BacklogEntry, right: BacklogEntry) -> BacklogEntry {
    var sum = left
    sum.requests += right.requests
    sum.tokens = left.tokens.addingReportingOverflow(right.tokens).partialValue
    sum.oldest = min(left.oldest, right.oldest)
    sum.earliestDeadline = [left.earliestDeadline, right.earliestDeadline].compactMap { $0 }.min()
    return sum
  }
}
