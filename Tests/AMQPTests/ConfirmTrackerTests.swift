import Testing

@testable import AMQP

@Suite("Confirm tracker", .timeLimit(.minutes(4)))
struct ConfirmTrackerTests {
  private typealias Tracker = ConfirmTracker<String>

  private func tracker(_ names: String...) -> Tracker {
    var tracker = Tracker()
    for (index, name) in names.enumerated() { #expect(tracker.published(name, bytes: 5) == UInt64(index + 1)) }
    return tracker
  }

  private func acknowledge(
    _ tracker: inout Tracker, _ tag: UInt64, multiple: Bool = false, positive: Bool = true
  ) -> [String] {
    var settled: [String] = []
    tracker.acknowledged(tag: tag, multiple: multiple, positive: positive) { entry, outcome in
      switch outcome {
      case .confirmed: settled.append(entry)
      case .returned(let code, _): settled.append("\(entry) returned \(code)")
      case .refused: settled.append("\(entry) refused")
      }
    }
    return settled
  }

  @Test func singlyOutOfOrderAndMultiple() {
    var tracker = tracker("a", "b", "c", "d", "e")
    #expect(acknowledge(&tracker, 3) == ["c"])
    #expect(tracker.oldest == "a")
    #expect(acknowledge(&tracker, 4, multiple: true) == ["a", "b", "d"])
    #expect(tracker.oldest == "e")
    #expect((tracker.count, tracker.bytes) == (1, 5))
    #expect(acknowledge(&tracker, 5, positive: false) == ["e refused"])
    #expect(tracker.isEmpty && tracker.oldest == nil)
    #expect(tracker.published("f", bytes: 1) == 6)
  }

  @Test func foreignNumbersSettleNothing() {
    var tracker = tracker("a", "b")
    #expect(acknowledge(&tracker, 0).isEmpty)
    #expect(acknowledge(&tracker, 0, multiple: true).isEmpty)
    #expect(acknowledge(&tracker, 3).isEmpty)
    #expect(acknowledge(&tracker, .max).isEmpty)
    #expect(acknowledge(&tracker, 1) == ["a"])
    #expect(acknowledge(&tracker, 1).isEmpty)
    #expect(acknowledge(&tracker, .max, multiple: true) == ["b"])
  }

  @Test func negativeMultiple() {
    var tracker = tracker("a", "b", "c")
    #expect(acknowledge(&tracker, 2, multiple: true, positive: false) == ["a refused", "b refused"])
    #expect(tracker.count == 1)
  }

  @Test func aReturnBelongsToTheConfirmThatFollows() {
    var tracker = tracker("a", "b", "a")
    let missing = tracker.returned(code: 312, text: "NO_ROUTE") { $0 == "x" }
    #expect(!missing)
    let found = tracker.returned(code: 312, text: "NO_ROUTE") { $0 == "b" }
    #expect(found)
    #expect(tracker.count == 3)
    // Returns come in order, so the second "a" is meant although the first is unconfirmed too.
    let last = tracker.returned(code: 312, text: "NO_ROUTE") { $0 == "a" }
    #expect(last)
    #expect(acknowledge(&tracker, 3, multiple: true) == ["a", "b returned 312", "a returned 312"])
  }

  @Test func anotherChannelCountsFromOne() {
    var tracker = tracker("a", "b", "c")
    _ = acknowledge(&tracker, 2)
    #expect(tracker.removeAll() == ["a", "c"])
    #expect(tracker.isEmpty && tracker.bytes == 0)
    #expect(tracker.published("d", bytes: 1) == 1)
  }

  @Test(arguments: 0..<20)
  func everyPublishIsSettledOnce(seed: UInt64) {
    var random = SplitMix(state: seed)
    var tracker = ConfirmTracker<UInt64>()
    var open: Set<UInt64> = []
    var published: UInt64 = 0
    for _ in 0..<5000 {
      if Bool.random(using: &random) {
        published += 1
        #expect(tracker.published(published, bytes: 1) == published)
        open.insert(published)
      } else if let tag = open.randomElement(using: &random) {
        let multiple = Int.random(in: 0..<8, using: &random) == 0
        let expected = open.filter { multiple ? $0 <= tag : $0 == tag }
        var settled: [UInt64] = []
        tracker.acknowledged(tag: tag, multiple: multiple, positive: true) { entry, _ in settled.append(entry) }
        #expect(settled == expected.sorted())
        open.subtract(expected)
      }
      #expect(tracker.count == open.count && tracker.bytes == open.count)
      #expect(tracker.oldest == open.min())
    }
  }
}
