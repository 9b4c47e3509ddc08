import LedgerRules
import TestSupport
import Testing

@Suite("Order of commits")
struct CommitQueueTests {
  /// Urgent operations are named from 1000.
  private struct Writer {
    var queue = CommitQueue<Int>()
    var committed: [[Int]] = []

    mutating func add(_ names: ClosedRange<Int>, rows: Int) {
      for name in names { queue.append(name, rows: rows, isUrgent: name >= 1000) }
    }

    /// Commits a group. What arrives meanwhile arrives after its first operation.
    mutating func commit(meanwhile: (inout CommitQueue<Int>) -> Void = { _ in }) -> [Int] {
      guard let group = queue.next() else { return [] }
      var (done, rows) = (0, 0)
      for entry in group.entries {
        done += 1
        rows += entry.rows
        if done == 1 { meanwhile(&queue) }
        if group.yields, queue.mustYield(after: rows) { break }
      }
      queue.putBack(group.entries[done...])
      committed.append(group.entries[..<done].map(\.element))
      return committed.last ?? []
    }
  }

  @Test func bulkAloneFillsAGroup() {
    var writer = Writer()
    writer.add(1...20, rows: 256)
    #expect(writer.commit() == Array(1...16))
    #expect(writer.commit() == Array(17...20))
    #expect(writer.commit() == [])
  }

  @Test func whatIsUrgentGoesFirstAndTakesNoMoreAlongThanALittle() {
    var writer = Writer()
    writer.add(1...2, rows: 8)
    writer.add(3...8, rows: 256)
    writer.add(1000...1002, rows: 1)
    #expect(writer.commit() == [1000, 1001, 1002, 1, 2])
    #expect(writer.commit() == Array(3...8))
  }

  @Test func aBulkGroupEndsAfterItsSliceOnceSomethingUrgentCame() {
    var writer = Writer()
    writer.add(1...600, rows: 1)
    #expect(writer.commit { $0.append(1000, rows: 1, isUrgent: true) } == Array(1...64))
    #expect(writer.commit() == [1000] + Array(65...80))
    // The rest follows in order, whatever is appended behind.
    writer.add(601...601, rows: 1)
    #expect(writer.commit() == Array(81...601))
  }

  @Test func theyTakeTurnsWhereBothAreAlwaysThere() {
    var writer = Writer()
    writer.add(1...10, rows: 256)
    writer.add(1000...1000, rows: 1)
    for turn in 1...10 {
      #expect(writer.commit() == [999 + turn])
      #expect(writer.commit { $0.append(1000 + turn, rows: 1, isUrgent: true) } == [turn])
    }
    #expect(writer.commit() == [1010])
    #expect(writer.queue.isEmpty)
  }

  /// Whatever comes when: each is committed once and in its order, nothing urgent waits for more than a slice and an
  /// operation, and no bulk for more than two groups in which it has no part.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func nobodyWaitsForLong(seed: UInt64) {
    var random = SplitMix(state: seed)
    var writer = Writer()
    var (bulk, urgent) = (0, 1000)
    // Bulk rows and groups that were committed since the oldest urgent operation came, and since bulk had a part.
    var (rowsSince, groupsSince) = (0, 0)
    var sizes: [Int: Int] = [:]
    func arrive(_ queue: inout CommitQueue<Int>) {
      for _ in 0..<Int.random(in: 0...3, using: &random) {
        let isUrgent = Int.random(in: 0...2, using: &random) == 0
        let rows = Int.random(in: 1...400, using: &random)
        if isUrgent { urgent += 1 } else { bulk += 1 }
        let name = isUrgent ? urgent : bulk
        sizes[name] = rows
        queue.append(name, rows: rows, isUrgent: isUrgent)
      }
    }
    for _ in 0..<150 {
      let waits = urgent > writer.committed.joined().reduce(1000, max)
      let hasBulk = bulk > writer.committed.joined().count { $0 < 1000 }
      arrive(&writer.queue)
      let group = writer.commit { arrive(&$0) }
      let rows = group.filter { $0 < 1000 }.reduce(0) { $0 + (sizes[$1] ?? 0) }
      let isBulk = group.allSatisfy { $0 < 1000 }
      rowsSince = isBulk && waits ? rowsSince + rows : 0
      #expect(rowsSince < CommitQueue<Int>.slice + 400)
      groupsSince = hasBulk && rows == 0 ? groupsSince + 1 : 0
      #expect(groupsSince <= 2)
    }
    while !writer.queue.isEmpty { _ = writer.commit() }
    let all = writer.committed.joined()
    #expect(all.filter { $0 < 1000 } == Array(1..<bulk + 1))
    #expect(all.filter { $0 >= 1000 } == Array(1001..<urgent + 1))
  }
}
