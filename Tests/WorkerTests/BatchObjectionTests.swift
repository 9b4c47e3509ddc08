import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// What stands against an operator's decision about a batch.
@Suite(.timeLimit(.minutes(4)))
struct BatchObjectionTests {
  private let now = TestClock.start
  private let health = HealthBoard()
  private let provider = ScriptedProvider()

  private func objection(
    to resolution: BatchResolution, about batch: BatchRecord, isShared: Bool = true
  ) async -> String? {
    var configuration = WorkerConfiguration()
    configuration.createTimeout = .seconds(15)
    configuration.reconcileGrace = .seconds(30)
    let problems = BatchProblems(
      isShared: isShared, providers: [provider], health: health, configuration: configuration)
    return await BatchObjections(problems).objection(to: resolution, about: batch, at: now)
  }

  private func batch(
    _ state: BatchRecord.State, createdBefore age: Duration, createBegan began: Duration? = nil, input: String? = nil
  ) -> BatchRecord {
    BatchRecord(
      id: BatchID(1), state: state, label: "mr-1", account: provider.account,
      key: WindowKey(
        lane: .deferred, provider: provider.name, model: "gpt-4o", endpoint: .chatCompletions, deadlineClass: 0),
      rowCount: 1, tokens: 1, bodyBytes: 1, modelRangeBytes: 1, customIDBytes: 1, contentHash: SHA256().finalize(),
      createdAt: now + (.zero - age), inputFileID: input, submittedAt: began.map { now + (.zero - $0) })
  }

  @Test(arguments: [BatchResolution.adopt("batch-1"), .resubmit, .giveUp])
  func aCreateThatIsUnderWayIsLeftAlone(resolution: BatchResolution) async {
    // An hour went by before it was begun.
    let young = batch(.creating, createdBefore: .seconds(3600), createBegan: .seconds(45), input: "file-1")
    let refusal = await objection(to: resolution, about: young)
    #expect(refusal?.contains("batch mr-1 is not unknown: its create is under way") == true)
    #expect(refusal?.contains("45 s") == true && refusal?.contains("\n") == false)
    #expect(await objection(to: resolution, about: batch(.creating, createdBefore: .seconds(10))) != nil)
    #expect(provider.deletedFiles.isEmpty)
  }

  @Test func aCreateThatIsNotConfirmedInTimeIsUnknown() async {
    let old = batch(.creating, createdBefore: .seconds(3600), createBegan: .seconds(46))
    #expect(await objection(to: .giveUp, about: old) == nil)
    // One of a version that did not note when it began.
    #expect(await objection(to: .giveUp, about: batch(.creating, createdBefore: .seconds(46))) == nil)
  }

  @Test(arguments: [true, false])
  func aBatchThatThisProcessLooksForIsUnknownAtOnce(isShared: Bool) async {
    let young = batch(.creating, createdBefore: .seconds(1), createBegan: .zero)
    #expect(await objection(to: .giveUp, about: young, isShared: isShared) != nil)
    health.report(.unknownBatch("mr-1"), "its create was not confirmed")
    #expect(await objection(to: .giveUp, about: young, isShared: isShared) == nil)
  }

  /// Alone on its ledger this process knows better than any age.
  @Test func nobodyElseMayHaveForgottenTheBatchesOfOneAlone() async {
    let old = batch(.creating, createdBefore: .seconds(3600), createBegan: .seconds(600))
    #expect(await objection(to: .giveUp, about: old, isShared: false) != nil)
  }

  @Test func nothingIsSentAgainWhoseInputFileCannotBeDeleted() async {
    let unknown = batch(.creating, createdBefore: .seconds(3600), input: "file-1")
    provider.fail(.deleteFile, .unavailable, .rejected(500))
    for reason in ["scripted outage", "scripted refusal"] {
      let refusal = await objection(to: .resubmit, about: unknown)
      #expect(refusal?.contains("input file file-1") == true && refusal?.contains(reason) == true)
    }
    provider.fail(.deleteFile, .notFound)
    #expect(await objection(to: .resubmit, about: unknown) == nil)
  }

  @Test func theInputFileIsDeletedOnlyToSendAgain() async throws {
    let unknown = batch(.creating, createdBefore: .seconds(3600), input: "file-1")
    #expect(await objection(to: .giveUp, about: unknown) == nil)
    #expect(await objection(to: .adopt("batch-9"), about: unknown)?.contains("cannot be adopted") == true)
    #expect(provider.count(.deleteFile) == 0)
    #expect(await objection(to: .resubmit, about: unknown) == nil)
    #expect(provider.deletedFiles == ["file-1"])
  }

  @Test(arguments: [BatchRecord.State.planned, .submitted, .settled, .abandoned])
  func nothingIsDecidedAboutABatchThatGoesOn(state: BatchRecord.State) async {
    let refusal = await objection(to: .giveUp, about: batch(state, createdBefore: .seconds(3600)))
    #expect(refusal?.contains("not unknown but \(state.word)") == true)
  }

  @Test func whatNobodyReachesIsSentAgainOrGivenUp() async {
    health.report(.unreachableBatch("mr-1"), "its key is not configured")
    let submitted = batch(.submitted, createdBefore: .seconds(3600), input: "file-1")
    #expect(await objection(to: .resubmit, about: submitted) == nil)
    #expect(await objection(to: .giveUp, about: submitted) == nil)
    #expect(await objection(to: .adopt("batch-1"), about: submitted)?.contains("id already") == true)
    #expect(provider.count(.deleteFile) == 0)
  }
}
