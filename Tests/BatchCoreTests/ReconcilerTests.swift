import BatchCore
import Testing

@Suite(.timeLimit(.minutes(4)))
struct ReconcilerTests {
  private let start = Timestamp(milliseconds: 1_000_000)
  private let grace = Duration.seconds(30)
  private let lag = Duration.seconds(20)

  private func terms(_ change: (inout ReconcileTerms) -> Void = { _ in }) -> ReconcileTerms {
    var terms = ReconcileTerms(grace: grace, listingLag: lag, inputFileID: "file-1")
    change(&terms)
    return terms
  }

  private func batch(_ id: String, _ state: BatchState = .running, input: String? = "file-1") -> BatchSnapshot {
    var snapshot = BatchSnapshot(id: id, state: state)
    snapshot.inputFileID = input
    return snapshot
  }

  /// Takes a machine to its fence, with nothing found.
  private func fenced(_ terms: ReconcileTerms) -> (Reconciler, Timestamp) {
    var machine = Reconciler(terms, at: start)
    _ = machine.handle(.found([]), at: start)
    let late = start + grace
    _ = machine.handle(.waited, at: late)
    _ = machine.handle(.found([]), at: late)
    _ = machine.handle(.inputFileDeleted, at: late)
    _ = machine.handle(.waited, at: late + lag)
    return (machine, late + lag)
  }

  @Test func whatIsFoundAtOnceIsAdopted() {
    var machine = Reconciler(terms(), at: start)
    #expect(machine.action == .search)
    #expect(machine.handle(.found([batch("b")]), at: start) == .adopt(batch("b")))
  }

  @Test func nothingIsSubmittedAgainBeforeThreeSearchesAndTheFence() {
    var machine = Reconciler(terms(), at: start)
    #expect(machine.handle(.found([]), at: start) == .wait(until: start + grace))
    let late = start + grace
    #expect(machine.handle(.waited, at: late) == .search)
    #expect(machine.handle(.found([]), at: late) == .deleteInputFile("file-1"))
    #expect(machine.handle(.inputFileDeleted, at: late) == .wait(until: late + lag))
    #expect(machine.handle(.waited, at: late + lag) == .search)
    #expect(machine.handle(.found([]), at: late + lag) == .resubmit)
  }

  @Test func whatShowsLateIsAdopted() {
    var machine = Reconciler(terms(), at: start)
    _ = machine.handle(.found([]), at: start)
    _ = machine.handle(.waited, at: start + grace)
    #expect(machine.handle(.found([batch("b")]), at: start + grace) == .adopt(batch("b")))
    var (behind, now) = fenced(terms())
    #expect(behind.handle(.found([batch("b")]), at: now) == .adopt(batch("b")))
  }

  @Test func whatFailedForTheFenceIsSubmittedAgain() {
    var (machine, now) = fenced(terms())
    // Made just before its file was deleted, and not validated yet.
    guard case .wait(let until) = machine.handle(.found([batch("b", .queued)]), at: now) else {
      Issue.record("a queued batch without an input file was believed")
      return
    }
    #expect(machine.handle(.waited, at: until) == .search)
    #expect(machine.handle(.found([batch("b", .failed)]), at: until) == .resubmit)
  }

  @Test func aBatchThatStaysQueuedHasItsInput() {
    var (machine, now) = fenced(terms())
    now = now + Reconciler.queuedLimit
    #expect(machine.handle(.found([batch("b", .queued)]), at: now) == .adopt(batch("b", .queued)))
  }

  @Test func aFailedBatchOfThisCreateTellsItsReason() {
    var machine = Reconciler(terms(), at: start)
    #expect(machine.handle(.found([batch("b", .failed)]), at: start) == .adopt(batch("b", .failed)))
  }

  @Test func severalMatchesWaitForAnOperatorUntilOneIsLeft() {
    var machine = Reconciler(terms(), at: start)
    let asked = machine.handle(.found([batch("b"), batch("a", .completed)]), at: start)
    #expect(asked == .ask(.severalMatches(["a", "b"]), until: start + Reconciler.recheckInterval))
    let later = start + Reconciler.recheckInterval
    #expect(machine.handle(.waited, at: later) == .search)
    #expect(machine.handle(.found([batch("b"), batch("a", .failed)]), at: later) == .adopt(batch("b")))
  }

  /// After a first create was fenced and the batch submitted again, that one unconfirmed too.
  @Test func anEarlierCreateUnderTheLabelIsNotTakenForThisOne() {
    let earlier = [batch("old", .failed, input: "file-0")]
    var machine = Reconciler(terms(), at: start)
    #expect(machine.handle(.found(earlier), at: start) == .wait(until: start + grace))
    _ = machine.handle(.waited, at: start + grace)
    #expect(machine.handle(.found(earlier), at: start + grace) == .deleteInputFile("file-1"))
    // It runs although its file was deleted: adopted only when this one cannot come any more.
    let running = [batch("old", .running, input: "file-0")]
    var other = Reconciler(terms(), at: start)
    #expect(other.handle(.found(running), at: start) == .wait(until: start + grace))
    #expect(
      other.handle(.found([batch("new")] + running), at: start + grace)
        == .ask(.severalMatches(["new", "old"]), until: start + grace + Reconciler.recheckInterval))
    var (third, now) = fenced(terms())
    #expect(third.handle(.found(running), at: now) == .adopt(running[0]))
  }

  @Test func nothingIsConcludedWhileSomebodyElseMayWriteTheCreate() {
    let earliest = start + .seconds(120)
    var machine = Reconciler(terms { $0.earliestConclusion = earliest }, at: start)
    #expect(machine.handle(.found([]), at: start) == .wait(until: earliest))
    // A wait that ended early, and a search that failed on the way.
    _ = machine.handle(.waited, at: start + grace)
    #expect(machine.handle(.failed, at: start + grace) == .search)
    #expect(machine.handle(.found([]), at: start + grace) == .wait(until: earliest))
    _ = machine.handle(.waited, at: earliest)
    #expect(machine.handle(.found([]), at: earliest) == .deleteInputFile("file-1"))
  }

  @Test func nothingFoundWithAnotherKeyMeansNothing() {
    var machine = Reconciler(terms { $0.isConclusive = false }, at: start)
    let asked = machine.handle(.found([]), at: start)
    #expect(asked == .ask(.anotherKey, until: start + Reconciler.recheckInterval))
    #expect(machine.handle(.found([batch("b")]), at: start) == .adopt(batch("b")))
  }

  @Test func aProviderThatCannotBeSearchedIsNotSearched() {
    var machine = Reconciler(terms { $0.isSearchable = false }, at: start)
    #expect(machine.action == .ask(.notSearchable, until: nil))
    #expect(machine.handle(.waited, at: start + .seconds(86_400)) == .ask(.notSearchable, until: nil))
    #expect(machine.handle(.told(.adopt("batch-9")), at: start) == .adoptNamed("batch-9"))
  }

  @Test func withoutAnInputFileTheLagIsWaitedAllTheSame() {
    var machine = Reconciler(terms { $0.inputFileID = nil }, at: start)
    _ = machine.handle(.found([]), at: start)
    let late = start + grace
    _ = machine.handle(.waited, at: late)
    #expect(machine.handle(.found([]), at: late) == .wait(until: late + lag))
    _ = machine.handle(.waited, at: late + lag)
    #expect(machine.handle(.found([]), at: late + lag) == .resubmit)
  }

  @Test func anOperatorDecides() {
    var machine = Reconciler(terms(), at: start)
    #expect(machine.handle(.told(.giveUp), at: start) == .giveUp)
    // Nothing may come late here either.
    #expect(machine.handle(.told(.resubmit), at: start) == .deleteInputFile("file-1"))
    #expect(machine.handle(.inputFileDeleted, at: start) == .resubmit)
    // Without the delete it may: the word alone does not keep it from being there twice.
    var unreachable = Reconciler(terms(), at: start)
    _ = unreachable.handle(.told(.resubmit), at: start)
    #expect(unreachable.handle(.failed, at: start) == .deleteInputFile("file-1"))
    #expect(unreachable.handle(.told(.giveUp), at: start) == .giveUp)
  }
}
