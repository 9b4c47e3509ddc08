import Wire

/// The list of breakers that are not closed, for people.
enum BreakerTable {
  private static let columns = ["ACCOUNT", "MODEL", "STATE", "SINCE", "REASON", "NEXT PROBE"]

  /// A line a breaker. Nil where the text is no list of breakers.
  static func lines(_ text: [UInt8]) -> [String]? {
    guard let list = (try? JSONSlice.parse(text))?["breakers"], list.kind == .array else { return nil }
    let breakers = Array(list.elements)
    if breakers.isEmpty { return ["no breaker is open"] }
    return TextTable.lines(
      columns,
      breakers.map { breaker in
        let isProbing = breaker["state"]?.string == "probing"
        let wait = breaker["next_probe_seconds"]?.int64.map { $0 > 0 ? "in " + TextTable.duration($0) : "due" }
        return [
          breaker["account"]?.string, breaker["model"]?.string.map { $0.isEmpty ? "(batches)" : $0 },
          breaker["state"]?.string, breaker["age_seconds"]?.int64.map(TextTable.duration),
          breaker["reason"]?.string, isProbing ? "now" : wait,
        ]
      })
  }
}
