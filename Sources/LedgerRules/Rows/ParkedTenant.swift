/// A tenant with parked rows, as its turn finds it.
package struct ParkedTenant {
  package var name: String
  package var deficit: Int64
  /// The oldest rows that may be sent now.
  package var rows: [(id: Int64, tokens: Int64)]
  /// Whether it may have more of them.
  package var hasMore: Bool

  package init(name: String, deficit: Int64, rows: [(id: Int64, tokens: Int64)], hasMore: Bool) {
    self.name = name
    self.deficit = deficit
    self.rows = rows
    self.hasMore = hasMore
  }
}
