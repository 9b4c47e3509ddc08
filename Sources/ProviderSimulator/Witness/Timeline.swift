import Wire

/// Synchronous calls by the second, of the last hour.
struct Timeline: Sendable {
  struct Second: Hashable, Sendable {
    var second: Int
    var accepted = 0
    var refused = 0
    /// What counted against the limits, where it was counted.
    var tokens = 0
  }

  static let length = 3600
  /// Seconds in which nothing happened have no entry.
  private(set) var seconds: [Second] = []

  /// - Parameter second: Of Unix time. One before the latest, as after a step of the clock, counts as the latest.
  mutating func add(_ second: Int, accepted: Int = 0, refused: Int = 0, tokens: Int = 0) {
    if seconds.isEmpty || seconds[seconds.count - 1].second < second { seconds.append(Second(second: second)) }
    let last = seconds.count - 1
    seconds[last].accepted += accepted
    seconds[last].refused += refused
    seconds[last].tokens += tokens
    // Seldom, since it moves all entries.
    if seconds.count >= 2 * Self.length { seconds.removeFirst(seconds.count - Self.length) }
  }

  func merged(with other: Timeline) -> Timeline {
    var bySecond = Dictionary(uniqueKeysWithValues: seconds.map { ($0.second, $0) })
    for entry in other.seconds {
      bySecond[entry.second, default: Second(second: entry.second)].accepted += entry.accepted
      bySecond[entry.second]?.refused += entry.refused
      bySecond[entry.second]?.tokens += entry.tokens
    }
    var merged = Timeline()
    merged.seconds = bySecond.values.sorted { $0.second < $1.second }
    return merged
  }

  /// Writes the entries of the last hour as an array.
  func write(now: Int, into writer: inout JSONWriter) {
    writer.beginArray()
    for entry in seconds where entry.second > now - Self.length {
      writer.beginObject()
      writer.field("second", entry.second)
      writer.field("accepted", entry.accepted)
      writer.field("refused", entry.refused)
      writer.field("tokens", entry.tokens)
      writer.endObject()
    }
    writer.endArray()
  }
}
