import TestSupport
import Testing

@testable import LedgerSQLite

@Suite("Growth of the write-ahead log")
struct LogGrowthTests {
  @Test func aShortLogIsLeftAlone() {
    var growth = LogGrowth(limit: 100)
    for pages in 1..<100 { #expect(growth.committed(pages: pages) == nil) }
    #expect(growth.committed(pages: 100) == .beside)
  }

  @Test func oneThatIsBeingWrittenIsNotWrittenTwice() {
    var growth = LogGrowth(limit: 100)
    #expect(growth.committed(pages: 120) == .beside)
    for pages in [130, 200, 500] { #expect(growth.committed(pages: pages) == nil) }
    growth.wrote(pages: 120)
    #expect(growth.committed(pages: 510) == .beside)
  }

  @Test func aLongOneOfWhichNearlyAllIsWrittenIsEndedByACommit() {
    var growth = LogGrowth(limit: 100)
    #expect(growth.committed(pages: 100) == .beside)
    growth.wrote(pages: 105)
    #expect(growth.committed(pages: 199) == nil)
    #expect(growth.committed(pages: 205) == .beside)
    growth.wrote(pages: 205)
    #expect(growth.committed(pages: 210) == .here)
    // Anew.
    #expect(growth.committed(pages: 3) == nil)
    #expect(growth.committed(pages: 99) == nil)
    #expect(growth.committed(pages: 101) == .beside)
  }

  /// A reader that looks at an old state keeps pages in the log: nothing can be written beyond it.
  @Test func whatCannotBeWrittenIsTriedAgain() {
    var growth = LogGrowth(limit: 100)
    #expect(growth.committed(pages: 100) == .beside)
    growth.wrote(pages: 10)
    #expect(growth.committed(pages: 111) == .beside)
    growth.wrote(pages: -1)
    #expect(growth.committed(pages: 112) == .beside)
  }

  /// Commits that are faster than the other connection have the log grow, but not for good.
  @Test func whoIsFasterThanTheFileWaitsForItInTheEnd() {
    var growth = LogGrowth(limit: 100)
    var pages = 0
    for _ in 1...7 {
      pages += 100
      #expect(growth.committed(pages: pages) == .beside)
      growth.wrote(pages: pages)
    }
    #expect(growth.committed(pages: 800) == .here)
  }

  /// However fast the other connection is, a commit has less than the limit to write, and the log stays within a little
  /// more than twice the limit and what is committed while the other writes.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func noCommitWritesMuch(seed: UInt64) {
    var random = SplitMix(state: seed)
    var growth = LogGrowth(limit: 100)
    var (pages, written) = (0, 0)
    var upTo: Int?
    var restarts = 0
    for _ in 0..<5000 {
      let size = Int.random(in: 1...20, using: &random)
      // SQLite starts anew where all is written.
      if written == pages, pages > 0 {
        restarts += 1
        (pages, written) = (0, 0)
      }
      pages += size
      switch growth.committed(pages: pages) {
      case .beside:
        #expect(upTo == nil)
        upTo = pages
      case .here:
        #expect(upTo == nil && pages - written < 100)
        written = pages
      case nil: break
      }
      if let known = upTo, Int.random(in: 0..<4, using: &random) == 0 {
        written = max(written, known)
        growth.wrote(pages: written)
        upTo = nil
      }
      #expect(pages < 2 * 100 + 800)
    }
    #expect(restarts > 10)
  }
}
