import BatchCore
import Testing

/// A provider whose create may be lost, late or listed late, whose calls fail, and whose deletes lag: whatever happens
/// within the lags that were promised, the batch is there once.
@Suite(.timeLimit(.minutes(4)))
struct ReconcilerPropertyTests {
  private static let grace = 30_000
  private static let lag = 20_000

  /// Times in milliseconds after the unconfirmed create.
  private struct World {
    /// When the create arrives; nil if it never does.
    var arrives: Int?
    var listedAfter: Int
    var deleteTakes: Int
    var validatesAfter: Int
    var deletedAt: Int?

    /// Whether the create finds its input file.
    var isAccepted: Bool {
      guard let arrives else { return false }
      return deletedAt.map { arrives < $0 } ?? true
    }

    /// The batch as a search at that time sees it.
    func batch(at now: Int) -> BatchSnapshot? {
      guard let arrives, isAccepted, now >= arrives + listedAfter else { return nil }
      var state = BatchState.queued
      if now >= arrives + validatesAfter {
        state = deletedAt.map { $0 <= arrives + validatesAfter } ?? false ? .failed : .running
      }
      var snapshot = BatchSnapshot(id: "b", state: state)
      snapshot.inputFileID = "f"
      return snapshot
    }

    /// Whether its rows run sooner or later.
    var runs: Bool {
      guard let arrives, isAccepted else { return false }
      return deletedAt.map { $0 > arrives + validatesAfter } ?? true
    }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func itIsThereOnce(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for round in 0..<250 {
      var world = World(
        arrives: Bool.random(using: &random) ? Int.random(in: 0...120_000, using: &random) : nil,
        listedAfter: Int.random(in: 0...Self.lag / 2, using: &random),
        deleteTakes: Int.random(in: 0...Self.lag / 2, using: &random),
        validatesAfter: Int.random(in: 0...60_000, using: &random))
      let earliest = Bool.random(using: &random) ? Int.random(in: 0...90_000, using: &random) : nil
      var machine = Reconciler(
        ReconcileTerms(
          grace: .milliseconds(Self.grace), listingLag: .milliseconds(Self.lag), inputFileID: "f",
          earliestConclusion: earliest.map { Timestamp(milliseconds: Int64($0)) }),
        at: Timestamp(milliseconds: 0))
      var now = 0
      var steps = 0
      var action = machine.action
      var end: Reconciler.Action?
      while end == nil, steps < 5000 {
        steps += 1
        let failsNow = Int.random(in: 0..<4, using: &random) == 0
        let event: Reconciler.Event
        switch action {
        case .search: event = failsNow ? .failed : .found(world.batch(at: now).map { [$0] } ?? [])
        case .wait(let until):
          now = max(now, Int(until.milliseconds))
          event = .waited
        case .deleteInputFile:
          // A delete may be carried out although its answer is lost.
          if world.deletedAt == nil, !failsNow || Bool.random(using: &random) {
            world.deletedAt = now + world.deleteTakes
          }
          event = failsNow ? .failed : .inputFileDeleted
        case .ask, .adopt, .adoptNamed, .resubmit, .giveUp:
          end = action
          continue
        }
        if event == .failed { now += Int.random(in: 0...5000, using: &random) }
        action = machine.handle(event, at: Timestamp(milliseconds: Int64(now)))
      }
      let story = "seed \(seed), round \(round): \(world), earliest \(earliest ?? -1), ends at \(now)"
      switch end {
      case .resubmit:
        #expect(!world.runs, "paid twice: \(story)")
        #expect(now >= max(Self.grace, earliest ?? 0), "concluded early: \(story)")
      case .adopt: #expect(world.isAccepted, "adopted nothing: \(story)")
      default: Issue.record("no end: \(story)")
      }
    }
  }
}
