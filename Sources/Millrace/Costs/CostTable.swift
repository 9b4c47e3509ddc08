import BatchCore
import Wire

/// What requests cost, for people and for spreadsheets.
enum CostTable {
  private static let numbers = [
    "attempts", "answers", "estimated_input_tokens", "input_tokens", "cached_input_tokens", "cache_write_tokens",
    "output_tokens", "usd", "superseded_usd",
    "list_usd", "saved_by_batches_usd", "saved_by_cache_usd", "superseded_attempts", "unknown_attempts",
    "unknown_held_usd", "unpriced_attempts",
  ]

  private static let columns = ["ATTEMPTS", "INPUT", "CACHED", "OUTPUT", "USD", "LIST USD", "SAVED", "UNKNOWN USD"]

  /// Nil where the text is no report.
  static func lines(_ text: [UInt8]) -> [String]? {
    guard let report = (try? JSONSlice.parse(text)), let by = dimensions(report), let total = report["total"],
      let list = report["lines"], list.kind == .array
    else { return nil }
    var rows = list.elements.map { line in by.map { line[$0]?.string.flatMap { $0.isEmpty ? nil : $0 } } + cells(line) }
    rows.append((by.isEmpty ? [] : ["TOTAL"] + by.dropFirst().map { _ in "" }) + cells(total))
    var lines = TextTable.lines(by.map { $0.uppercased() } + columns, rows)
    if let since = report["since"]?.string, let until = report["until"]?.string {
      lines.append("from \(since) to \(until), days in UTC; the attempts that ended on them")
    }
    if let count = total["unknown_attempts"]?.int64, count > 0 {
      lines.append("\(count) attempts may have been paid without an answer: UNKNOWN USD is what they cost at most")
    }
    if let count = total["unpriced_attempts"]?.int64, count > 0 {
      lines.append("\(count) attempts are of models without a known price, and in no sum; set prices: for them")
    }
    if let count = total["superseded_attempts"]?.int64, count > 0, let cost = dollars(total, "superseded_usd") {
      lines.append("$\(DollarText.rounded(cost)) of it was for \(count) answers that came when there was one already")
    }
    if let count = report["left_out"]?.int64, count > 0 {
      lines.append("\(count) more lines are in the total; --limit shows more of them")
    }
    return lines
  }

  /// A line of names, then one for each line of the report. Nil where the text is no report.
  static func csv(_ text: [UInt8]) -> [String]? {
    guard let report = (try? JSONSlice.parse(text)), let by = dimensions(report), let list = report["lines"],
      list.kind == .array
    else { return nil }
    let rows = list.elements.map { line in
      by.map { quoted(line[$0]?.string ?? "") }
        + numbers.map { name in line[name]?.string ?? line[name]?.int64.map(String.init) ?? "" }
    }
    return ([by + numbers] + rows).map { $0.joined(separator: ",") }
  }

  /// A tag that a spreadsheet would take for a formula gets an apostrophe in front.
  private static func quoted(_ text: String) -> String {
    // By scalars: a character may be a comma with an accent, which is a comma to a spreadsheet.
    let isFormula = text.unicodeScalars.first.map { "=+-@\t\r".unicodeScalars.contains($0) } ?? false
    let text = isFormula ? "'" + text : text
    guard text.unicodeScalars.contains(where: { ",\"\r\n".unicodeScalars.contains($0) }) else { return text }
    var quoted = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar == "\"" { quoted.append(scalar) }
      quoted.append(scalar)
    }
    return "\"" + String(quoted) + "\""
  }

  private static func dimensions(_ report: JSONSlice) -> [String]? {
    guard let by = report["by"], by.kind == .array else { return nil }
    return by.elements.compactMap(\.string)
  }

  private static func cells(_ line: JSONSlice) -> [String?] {
    func count(_ name: String) -> String? { line[name]?.int64.map(String.init) }
    let (cost, list) = (dollars(line, "usd"), dollars(line, "list_usd"))
    let isUnpriced = cost == 0 && (line["unpriced_attempts"]?.int64 ?? 0) > 0
    var saved: String?
    if let cost, let list, list > 0 { saved = "\((list - cost) * 100 / list) %" }
    return [
      count("attempts"), count("input_tokens"), count("cached_input_tokens"), count("output_tokens"),
      // What has no price is not for nothing.
      isUnpriced ? nil : cost.map(DollarText.rounded), isUnpriced ? nil : list.map(DollarText.rounded), saved,
      dollars(line, "unknown_held_usd").map(DollarText.rounded),
    ]
  }

  private static func dollars(_ line: JSONSlice, _ name: String) -> Int128? {
    guard let text = line[name]?.string else { return nil }
    return DollarText.pico(text)
  }
}
