import Wire

/// Rebuilds the sums of the witness, and which rows of unfinished batches were run, from its file.
struct PaidLogReader {
  private(set) var totals = PaidTotals()
  private(set) var executed: [String: [Int: PaidLog.ExecutedRow]] = [:]
  private let batches: Set<String>

  init(batches: Set<String>) {
    self.batches = batches
  }

  mutating func read(_ path: String) throws(SimulatorError) {
    var number = 0
    var lines = try LineReader(path: path)
    while let group = try lines.next() {
      for line in group {
        number += 1
        guard let entry = try? JSONSlice.parse(line.bytes), add(entry) else {
          throw SimulatorError("line \(number) of \(path) is no entry of the witness; move the state directory away")
        }
      }
    }
  }

  private mutating func add(_ entry: JSONSlice) -> Bool {
    var numbers: [String: Int64] = [:]
    var texts: [String: String] = [:]
    for member in entry.members {
      switch member.key {
      case "seq", "row", "attempt", "input_tokens", "cached_tokens", "output_tokens", "pico_usd":
        numbers[member.key] = member.value.int64
      case "key", "kind", "batch_id", "prompt_sha", "fault": texts[member.key] = member.value.string
      default: break
      }
    }
    guard let sequence = numbers["seq"], let kind = texts["kind"], let digest = texts["prompt_sha"],
      let hash = UInt64(digest.prefix(16), radix: 16)
    else { return false }
    totals.sequence = Int(sequence)
    let attempt = Int(numbers["attempt"] ?? 0)
    totals.add(
      key: texts["key"] ?? "", isBatch: kind == "batch", promptHash: hash, attempt: attempt,
      inputTokens: Int(numbers["input_tokens"] ?? 0),
      outputTokens: Int(numbers["output_tokens"] ?? 0), picoUSD: numbers["pico_usd"] ?? 0)
    if let batch = texts["batch_id"], batches.contains(batch), let row = numbers["row"] {
      executed[batch, default: [:]][Int(row)] = PaidLog.ExecutedRow(
        attempt: attempt, isMissing: texts["fault"] == "missing", cachedTokens: Int(numbers["cached_tokens"] ?? 0))
    }
    return true
  }
}
