/// The order in which waiting operations are committed. Somebody waits for those that are urgent; the rest is bulk, which has
/// all the time that they leave.
///
/// ```
/// urgent group:  every urgent operation, and bulk from the front while it is little
/// bulk group:    up to the limit, but it ends once urgent operations have come and it has had its slice
/// ```
/// So an urgent operation waits for one slice at most, and one operation. Where both are always there they take turns, so
/// neither waits for good. Within each kind the order is that of arrival.
///
/// A commit takes its time however little it is about, and is in the way of whoever comes meanwhile. So while somebody comes
/// now and then, a little bulk is not committed before more of it has gathered, or it has waited for a while.
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

  /// What is to be done next.
  package enum Turn {
    case commit(Group)
    /// What is there gathers for so long, unless enough of it, or something urgent, comes.
    case gather(Duration)
  }

  /// A group ends when it has this many rows: its commit delays everybody in it.
  package static var rowLimit: Int { 4096 }
  /// Bulk rows that an urgent group takes along: fewer than are worth a commit of their own.
  package static var alongLimit: Int { 32 }
  /// Rows that a bulk group commits at least, if it has so many: a commit for less would cost more than it.
  package static var slice: Int { 64 }
  /// How long less than a slice gathers.
  package static var patience: Duration { .milliseconds(20) }
  /// For how long after an urgent operation another is expected.
  package static var expectation: Duration { .seconds(1) }

  private var urgent: [Entry] = []
  private var bulk: [Entry] = []
  private var bulkRows = 0
  /// Whether bulk was passed over for the last group.
  private var isBulksTurn = false
  /// When the bulk that waits began to. Time is since an arbitrary start.
  private var bulkSince = Duration.zero
  private var lastUrgent: Duration?

  package init() {}

  package var count: Int { urgent.count + bulk.count }
  package var isEmpty: Bool { urgent.isEmpty && bulk.isEmpty }
  /// Whether what is there needs no more to be committed.
  package var isEnough: Bool { !urgent.isEmpty || bulkRows >= Self.slice }

  package mutating func append(_ element: Element, rows: Int, isUrgent: Bool, at now: Duration) {
    let entry = Entry(element: element, rows: max(1, min(rows, Self.rowLimit)))
    if isUrgent {
      urgent.append(entry)
      lastUrgent = now
    } else {
      if bulk.isEmpty { bulkSince = now }
      bulk.append(entry)
      bulkRows += entry.rows
    }
  }

  /// Nil when nothing waits.
  ///
  /// - Parameter isClosing: Whether nothing more will come, so that nothing gathers.
  package mutating func next(at now: Duration, isClosing: Bool = false) -> Turn? {
    if isEmpty { return nil }
    let gathers = isClosing ? .zero : timeToGather(at: now)
    if urgent.isEmpty, gathers > .zero { return .gather(gathers) }
    if urgent.isEmpty || (isBulksTurn && !bulk.isEmpty && gathers == .zero) {
      isBulksTurn = false
      var rows = 0
      let entries = takeBulk(at: now) { entry in
        defer { rows += entry.rows }
        return rows < Self.rowLimit
      }
      return .commit(Group(entries: entries, yields: true))
    }
    var rows = 0
    var entries = Self.take(from: &urgent) { entry in
      defer { rows += entry.rows }
      return rows < Self.rowLimit
    }
    var along = 0
    entries += takeBulk(at: now) { entry in
      along += entry.rows
      return along <= Self.alongLimit
    }
    isBulksTurn = !bulk.isEmpty
    return .commit(Group(entries: entries, yields: false))
  }

  private func timeToGather(at now: Duration) -> Duration {
    guard bulkRows < Self.slice, let lastUrgent, now - lastUrgent < Self.expectation else { return .zero }
    return max(.zero, bulkSince + Self.patience - now)
  }

  /// Whether a bulk group that has done so many rows leaves the rest for later.
  package func mustYield(after rows: Int) -> Bool { rows >= Self.slice && !urgent.isEmpty }

  /// What a bulk group has left; it comes before all other bulk.
  package mutating func putBack(_ entries: some Collection<Entry>) {
    bulk.insert(contentsOf: entries, at: 0)
    bulkRows += entries.reduce(0) { $0 + $1.rows }
  }

  private mutating func takeBulk(at now: Duration, while isTaken: (Entry) -> Bool) -> [Entry] {
    let taken = Self.take(from: &bulk, while: isTaken)
    bulkRows -= taken.reduce(0) { $0 + $1.rows }
    if !taken.isEmpty { bulkSince = now }
    return taken
  }

  private static func take(from entries: inout [Entry], while isTaken: (Entry) -> Bool) -> [Entry] {
    let end = entries.firstIndex { !isTaken($0) } ?? entries.endIndex
    defer { entries.removeFirst(end) }
    return Array(entries[..<end])
  }
}

extension CommitQueue: Sendable where Element: Sendable {}
extension CommitQueue.Entry: Sendable where Element: Sendable {}
extension CommitQueue.Group: Sendable where Element: Sendable {}
extension CommitQueue.Turn: Sendable where Element: Sendable {}
