/// Decides when what is in the write-ahead log goes into the database file. Pure.
///
/// It is written there beside the connection that commits, so that no commit waits for it. But then there always is a
/// little more in the log than was written, and SQLite starts the log anew only when there is not. So once it is long and
/// nearly all of it is written, the connection that commits writes the rest.
struct LogGrowth {
  enum Step: Equatable {
    /// Another connection is to write what there is.
    case beside
    /// The connection that commits writes what is left.
    case here
  }

  /// How many times the limit the log becomes, and what is committed while the other connection writes.
  private static let most = 8

  /// Pages that are worth writing: the more there are, the more changes of a page are written once.
  let limit: Int
  /// The first pages of the log that are in the file.
  private var written = 0
  private var isUnderWay = false

  init(limit: Int) {
    self.limit = limit
  }

  /// A commit has made the log so long.
  mutating func committed(pages: Int) -> Step? {
    // It was started anew.
    if pages < written { written = 0 }
    if isUnderWay { return nil }
    // Whoever writes faster than the file takes it pays for that now: the disk has an end.
    if pages >= Self.most * limit { return .here }
    if pages - written >= limit {
      isUnderWay = true
      return .beside
    }
    return pages >= 2 * limit ? .here : nil
  }

  /// The other connection is done.
  mutating func wrote(pages: Int) {
    isUnderWay = false
    written = max(0, pages)
  }
}
