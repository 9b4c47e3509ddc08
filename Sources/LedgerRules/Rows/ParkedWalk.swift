package import BatchCore
package import Ledger

/// Which tenants of a line are looked at.
package struct ParkedWalk {
  package var line: ParkedLine
  /// Names from this one on.
  package var from: String
  /// Names below this one; nil to the end.
  package var below: String?
  /// How many tenants.
  package var limit: Int
  /// How many rows are read in all, about: of few tenants more than of many.
  package var rows: Int
  package var dueBy: Timestamp

  /// How many rows of each are read, where so many tenants were found.
  package func rows(ofEach tenants: Int) -> Int { min(rows, max(2, rows / max(1, tenants) + 1)) }
}
