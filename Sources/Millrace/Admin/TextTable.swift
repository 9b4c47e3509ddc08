/// Columns for people, as wide as their widest cell.
enum TextTable {
  /// The heads and then each row, in which nil is shown as a dash.
  static func lines(_ heads: [String], _ rows: [[String?]]) -> [String] {
    let cells = [heads] + rows.map { $0.map { $0 ?? "-" } }
    let widths = heads.indices.map { column in cells.map { $0[column].count }.max() ?? 0 }
    return cells.map { row in
      var text = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count + 2) }.joined()
      while text.hasSuffix(" ") { text.removeLast() }
      return text
    }
  }

  static func duration(_ seconds: Int64) -> String {
    switch seconds {
    case ..<120: "\(seconds)s"
    case ..<7200: "\(seconds / 60)m"
    case ..<172_800: "\(seconds / 3600)h"
    default: "\(seconds / 86_400)d"
    }
  }
}
