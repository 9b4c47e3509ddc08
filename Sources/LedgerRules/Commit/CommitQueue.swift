/// The order in which waiting operations are committed. Somebody waits for those that are urgent; the rest is bulk, which has
/// all the time that they leave.
///
/// ```
/// urgent group:  every urgent operation, and bulk from the front while it is little
/// bulk group:    up to the limit, but it ends once urgent operations have come and it has had its slice
/// ```
/// So an urgent operation waits for one slice at most, and one operation. Where both are always there they take turns, so
/// neither waits for good. Within each kind the order is that of arrival.
package struct CommitQueue<Element> {
  package struct Entry {
    package var element: Element
    package var rows: Int
  }

  package struct Group {
    package var entries: [Entry]
    /// Whether it ends early for urgent operations.
    package var yields: Bool
  }

  /// A group ends when it has this many rows: its commit delays everybody in it.
  package static var rowLimit: Int { 4096 }
  /// Bulk rows that an urgent group takes along: fewer than are worth a commit of their own.
  package static var alongLimit: Int { 16 }
  /// Rows that a bulk group commits at least, if it has so many: a commit for less would cost more than it.
  package static var slice: Int { 64 }

  private var urgent: [Entry] = []
  private var bulk: [Entry] = []
  /// Whether bulk was passed over for the last group.
  private var isBulksTurn = false

  package init() {}

  package var count: Int { urgent.count + bulk.count }
  package var hasUrgent: Bool { !urgent.isEmpty }
  package var isEmpty: Bool { urgent.isEmpty && bulk.isEmpty }

  package mutating func append(_ element: Element, rows: Int, isUrgent: Bool) {
    let entry = Entry(element: element, rows: max(1, min(rows, Self.rowLimit)))
    if isUrgent { urgent.append(entry) } else { bulk.append(entry) }
  }

  /// What is to be committed next. Nil when nothing waits.
  package mutating func next() -> Group? {
    if isEmpty { return nil }
    if urgent.isEmpty || (isBulksTurn && !bulk.isEmpty) {
      isBulksTurn = false
      var rows = 0
      let entries = Self.take(from: &bulk) { entry in
        defer { rows += entry.rows }
        return rows < Self.rowLimit
      }
      return Group(entries: entries, yields: true)
    }
    var rows = 0
    var entries = Self.take(from: &urgent) { entry in
      defer { rows += entry.rows }
      return rows < Self.rowLimit
    }
    var along = 0
    entries += Self.take(from: &bulk) { entry in
      along += entry.rows
      return along <= Self.alongLimit
    }
    isBulksTurn = !bulk.isEmpty
    return Group(entries: entries, yields: false)
  }

  /// Whether a bulk group that has done so many rows leaves the rest for later.
  package func mustYield(after rows: Int) -> Bool { rows >= Self.slice && !urgent.isEmpty }

  /// What a bulk group has left; it comes before all other bulk.
  package mutating func putBack(_ entries: some Collection<Entry>) { bulk.insert(contentsOf: entries, at: 0) }

  private static func take(from entries: inout [Entry], while isTaken: (Entry) -> Bool) -> [Entry] {
    let end = entries.firstIndex { !isTaken($0) } ?? entries.endIndex
    defer { entries.removeFirst(end) }
    return Array(entries[..<end])
  }
}

extension CommitQueue: Sendable where Element: Sendable {}
extension CommitQueue.Entry: Sendable where Element: Sendable {}
extension CommitQueue.Group: Sendable where Element: Sendable {}
