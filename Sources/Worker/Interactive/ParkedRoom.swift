import BatchCore
import Ledger

/// How much of the parked rows may be brought before the gates of their lines.
///
/// What waits there already is bounded for each line. Tenants of which nothing waits get a little more, so that none waits
/// for rows of others that came here first.
struct ParkedRoom: Sendable {
  private struct Line: Sendable {
    var taken: [String: Int]
    var isClosed: Bool

    var count: Int { taken.values.reduce(0, +) }
  }

  /// Rows that a line may hold at a time.
  var lookahead: Int
  private var lines: [ParkedLine: Line] = [:]

  init(lookahead: Int) {
    self.lookahead = lookahead
  }

  mutating func set(_ line: ParkedLine, taken: [String: Int], isClosed: Bool) {
    if !taken.isEmpty || isClosed { lines[line] = Line(taken: taken, isClosed: isClosed) }
  }

  /// Whether the line has used up half of what it may hold.
  func isLow(_ line: ParkedLine) -> Bool {
    guard let found = lines[line] else { return true }
    return !found.isClosed && found.count * 2 <= lookahead
  }

  /// What to claim for the line; nil if it has enough.
  func claim(_ line: ParkedLine, weights: TenantWeights) -> ParkedClaim? {
    guard let found = lines[line] else { return ParkedClaim(line: line, limit: lookahead, weights: weights) }
    if found.isClosed { return nil }
    if isLow(line) { return ParkedClaim(line: line, limit: lookahead - found.count, weights: weights) }
    let left = lookahead * 2 - found.count
    if left <= 0 { return nil }
    return ParkedClaim(
      line: line, limit: min(left, max(1, lookahead / 4)), weights: weights, passing: Set(found.taken.keys))
  }
}
