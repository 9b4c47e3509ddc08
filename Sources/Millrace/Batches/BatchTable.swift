import Wire

/// The list of open batches, for people.
enum BatchTable {
  private static let columns = ["LABEL", "STATE", "AGE", "REQUESTS", "TOKENS", "PROVIDER", "MODEL", "PROVIDER BATCH"]

  /// A line a batch, each followed by what is the matter with it. Nil where the text is no list of batches.
  static func lines(_ text: [UInt8]) -> [String]? {
    guard let list = (try? JSONSlice.parse(text))?["batches"], list.kind == .array else { return nil }
    let batches = Array(list.elements)
    if batches.isEmpty { return ["no open batches"] }
    let lines = TextTable.lines(
      columns,
      batches.map { batch in
        [
          batch["label"]?.string, batch["state"]?.string, batch["age_seconds"]?.int64.map(TextTable.duration),
          batch["requests"]?.int64.map { String($0) }, batch["tokens"]?.int64.map { String($0) },
          batch["provider"]?.string, batch["model"]?.string, batch["provider_batch_id"]?.string,
        ]
      })
    return lines.prefix(1)
      + zip(lines.dropFirst(), batches).flatMap { line, batch in
        [line] + (batch["detail"]?.string.map { ["  " + $0] } ?? [])
      }
  }
}
