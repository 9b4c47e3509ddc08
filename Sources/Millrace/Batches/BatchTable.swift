import Wire

/// The list of open batches, for people.
enum BatchTable {
  private static let columns = ["LABEL", "STATE", "AGE", "REQUESTS", "TOKENS", "PROVIDER", "MODEL", "PROVIDER BATCH"]

  /// A line a batch, each followed by what is the matter with it. Nil where the text is no list of batches.
  static func lines(_ text: [UInt8]) -> [String]? {
    guard let list = (try? JSONSlice.parse(text))?["batches"], list.kind == .array else { return nil }
    let batches = Array(list.elements)
    if batches.isEmpty { return ["no open batches"] }
    let rows = batches.map { batch in
      [
        batch["label"]?.string, batch["state"]?.string, batch["age_seconds"]?.int64.map(age),
        batch["requests"]?.int64.map { String($0) }, batch["tokens"]?.int64.map { String($0) },
        batch["provider"]?.string, batch["model"]?.string, batch["provider_batch_id"]?.string,
      ].map { $0 ?? "-" }
    }
    let widths = columns.indices.map { column in (rows + [columns]).map { $0[column].count }.max() ?? 0 }
    func line(_ cells: [String]) -> String {
      var text = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 2) }.joined()
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
    return [line(columns)]
      + zip(rows, batches).flatMap { row, batch in
        [line(row)] + (batch["detail"]?.string.map { ["  " + $0] } ?? [])
      }
  }

  private static func age(_ seconds: Int64) -> String {
    switch seconds {
    case ..<120: "\(seconds)s"
    case ..<7200: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3600)h"
    default: "\(seconds / 86_400)d"
    }
  }
}
