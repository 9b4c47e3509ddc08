import BatchCore
import Ledger
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// Deadlines that a native batch would miss.
@Suite(.timeLimit(.minutes(4)))
struct RescueTests {
  /// Twenty-five minutes; its cut-off is some eleven minutes before.
  private static let deadline: Int64 = 1_500_000

  private func urgent(_ names: String...) -> [Message] {
    names.map { Message($0) { $0.deadlineMilliseconds = Self.deadline } }
  }

  private func stuck(_ change: @escaping @Sendable (inout BatchPlot) -> Void = { _ in }) -> ScriptedProvider {
    let provider = ScriptedProvider()
    provider.onBatch { number, _ in
      BatchPlot {
        $0.runningPolls = number == 0 ? 1_000_000 : 0
        change(&$0)
      }
    }
    return provider
  }

  private func isInTime(_ reply: Reply, _ pipeline: Pipeline) -> Bool {
    pipeline.clock.now() < TestClock.start + .milliseconds(Self.deadline)
  }

  // MARK: Which way

  @Test func aDeadlineThatIsTooNearNeverEntersABatch() async throws {
    let provider = ScriptedProvider()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(
        Message("a") { $0.deadlineMilliseconds = 600_000 },
        Message("b") {
          $0.deadlineMilliseconds = 600_000
          $0.lane = "auto"
        })
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.isEmpty)
      #expect(provider.calls.count == 2)
    }
  }

  @Test func autoGoesByWhatBatchesHaveTaught() async throws {
    let provider = ScriptedProvider()
    func auto(_ name: String) -> Message {
      Message(name) {
        $0.deadlineMilliseconds = 7_200_000
        $0.lane = "auto"
      }
    }
    try await Pipeline.run(provider, configure: { $0.configuration.deferredWindow.maximumRequests = 1 }) { pipeline in
      // Nobody knows that a batch takes less than a day.
      pipeline.push(auto("a"))
      _ = try await pipeline.untilReplies(1)
      #expect(provider.calls.count == 1)
      #expect(provider.created.isEmpty)
      // Not yet a tenth of an hour each.
      pipeline.push((0..<8).map { Message("m\($0)") })
      _ = try await pipeline.untilReplies(9)
      // One that was under way may not have seen the last of them.
      let reads = pipeline.ledger.count(.batchRuns)
      try await pipeline.until("the samples to be read") { pipeline.ledger.count(.batchRuns) >= reads + 2 }
      try await pipeline.quiet()
      pipeline.push(auto("b"))
      _ = try await pipeline.untilReplies(10)
      #expect(provider.calls.count == 1)
      #expect(provider.created.count == 9)
    }
  }

  // MARK: Cancel

  @Test(arguments: [true, false])
  func aBatchOfUrgentRowsIsCancelledAndTheRestIsSent(namesCancelled: Bool) async throws {
    let provider = stuck {
      $0.ranBeforeCancel = 1
      $0.namesCancelled = namesCancelled
    }
    try await Pipeline.run(provider, configure: { $0.configuration.maximumAttempts = 1 }) { pipeline in
      pipeline.push(urgent("a", "b", "c"))
      let replies = try await pipeline.untilReplies(3)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.count(.cancel) == 1)
      // What had run was not sent again.
      #expect(provider.calls.count == 2)
      #expect(provider.paid.count == 3)
      // Its cancel is no failed attempt of theirs.
      #expect(replies.map(\.summary.attempts) == [1, 1, 1])
    }
  }

  /// Its pace is known better by then, so that it would have some time left: but not for a batch.
  @Test func whatWasCancelledDoesNotEnterABatchThatMayMissItToo() async throws {
    let provider = stuck()
    try await Pipeline.run(
      provider, configure: { $0.configuration.rescue.assumedCancel = .seconds(3000) }
    ) { pipeline in
      // The cancel takes a moment only, and fifty minutes are left.
      pipeline.push(["a", "b"].map { Message($0) { $0.deadlineMilliseconds = 7_200_000 } })
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(pipeline.clock.now() < TestClock.start + .seconds(7200))
      #expect(provider.created.count == 1)
      #expect(provider.count(.cancel) == 1)
      #expect(provider.calls.count == 2)
    }
  }

  /// Nothing is resubmitted while the batch may still run it.
  @Test func whatIsCancelledIsNotSentBeforeItIsOver() async throws {
    let provider = stuck { $0.cancelPolls = 5 }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      try await pipeline.until("the cancel") { provider.count(.cancel) == 1 }
      let polls = provider.count(.retrieve)
      try await pipeline.until("five polls") { provider.count(.retrieve) >= polls + 5 }
      #expect(provider.calls.isEmpty)
      _ = try await pipeline.untilReplies(1)
      #expect(provider.paid.count == 1)
    }
  }

  @Test func aCancelThatFailsIsRepeated() async throws {
    let provider = stuck()
    provider.fail(.cancel, .unavailable, .answerLost)
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.count(.cancel) == 3)
      #expect(provider.paid.count == 1)
    }
  }

  /// The decision is in the ledger before the provider hears of it.
  @Test func aCancelIsNotForgottenByACrash() async throws {
    let provider = stuck()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      let decided = pipeline.ledger.gate(after: .rescue)
      decided.shut()
      try await pipeline.until("the decision") { decided.held == 1 }
      #expect(provider.count(.cancel) == 0)
      decided.open()
      try await pipeline.restart()
      try await pipeline.until("the cancel") { provider.count(.cancel) > 0 }
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.paid.count == 1)
    }
  }

  /// Many are due that nobody has looked at before, since no batch is open: they would be cancelled at once.
  @Test func whatIsTooMuchToBeSentInTimeEntersNoBatch() async throws {
    let provider = stuck()
    try await Pipeline.run(
      provider, configure: { $0.pace = PaceLimits(perMinute: [.requests: 1], concurrency: 16) }
    ) { pipeline in
      // A hundredth of a call a second is counted on: eight have the time for that.
      pipeline.push((0..<20).map { number in Message("m\(number)") { $0.deadlineMilliseconds = Self.deadline } })
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.created.isEmpty)
      #expect(try await pipeline.ledger.acceptedRows(after: nil, limit: 100).isEmpty)
      #expect(try await pipeline.ledger.openBatches().isEmpty)
    }
  }

  /// While a batch waits for its provider so much comes that is due then too that it would be cancelled at once.
  @Test func aBatchThatWaitsIsGivenUpWhenTooMuchIsDueWithIt() async throws {
    let provider = stuck()
    provider.fail(.create, .pause(.seconds(3000)))
    try await Pipeline.run(
      provider, configure: { $0.pace = PaceLimits(perMinute: [.requests: 1], concurrency: 16) }
    ) { pipeline in
      pipeline.push(urgent("a"))
      try await pipeline.until("the pause") { provider.count(.create) == 1 }
      pipeline.push((0..<20).map { number in Message("m\(number)") { $0.deadlineMilliseconds = Self.deadline } })
      let replies = try await pipeline.untilReplies(3)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      try await pipeline.until("the batch to be given up") { try await pipeline.ledger.openBatches().isEmpty }
      #expect(pipeline.clock.now() < TestClock.start + .seconds(3000))
      #expect(provider.created.isEmpty)
    }
  }

  /// The provider refuses the cancel: what it would bring too late may be sent besides.
  @Test func afterARefusedCancelTheUrgentRowsAreSentTwice() async throws {
    let provider = stuck()
    provider.fail(.cancel, .rejected(409))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a", "b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.count(.cancel) == 1)
      #expect(provider.calls.count == 2)
      // The batch has run them too.
      #expect(provider.paid.count == 4)
    }
  }

  /// What comes home anyhow does not wait until the provider may be asked for a cancel again.
  @Test func aCancelThatHasToWaitKeepsNoResultWaiting() async throws {
    let provider = stuck()
    provider.fail(.cancel, .pause(.seconds(3600)))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      try await pipeline.until("the cancel") { provider.count(.cancel) == 1 }
      let asked = pipeline.clock.now()
      provider.finishBatches()
      _ = try await pipeline.untilReplies(1)
      #expect(pipeline.clock.now() - asked < .seconds(60))
      #expect(provider.count(.cancel) == 1)
      #expect(provider.paid.count == 1)
    }
  }

  @Test func aCancelIsSentWhenTheProviderMayBeAskedAgain() async throws {
    let provider = stuck()
    provider.fail(.cancel, .pause(.seconds(120)))
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.count(.cancel) == 2)
      #expect(provider.calls.count == 1)
    }
  }

  // MARK: Twice

  private func stubborn(_ polls: Int = 1_000_000) -> ScriptedProvider {
    let provider = ScriptedProvider(cancellable: false)
    provider.onBatch { _, _ in BatchPlot { $0.runningPolls = polls } }
    return provider
  }

  @Test func withoutACancelTheUrgentRowsAreSentTwice() async throws {
    let provider = stubborn()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a", "b") + [Message("c")])
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(Set(replies.map(\.correlation)) == ["a", "b"])
      #expect(provider.calls.count == 2)
      #expect(provider.count(.cancel) == 0)
      #expect(try await pipeline.ledger.doubleSpend(since: TestClock.start).value > 0)
    }
  }

  @Test func withoutABudgetNothingIsSentTwice() async throws {
    let provider = stubborn(80)
    try await Pipeline.run(
      provider, configure: { $0.configuration.rescue.maximumDoubleSpend = PicoUSD(0) }
    ) { pipeline in
      pipeline.push(urgent("a"))
      let replies = try await pipeline.untilReplies(1)
      // Late, but what was sent is given.
      #expect(replies.allSatisfy { $0.summary.isSuccess && !isInTime($0, pipeline) })
      #expect(provider.calls.isEmpty)
      #expect(provider.paid.count == 1)
    }
  }

  /// The batch's answer is given, and what was not sent yet is not sent.
  @Test func theBatchMayStillBeFirst() async throws {
    let provider = stubborn()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      let asked = pipeline.ledger.gate(before: .takeParked)
      asked.shut()
      try await pipeline.until("the decision") { pipeline.ledger.count(.rescue) == 1 }
      provider.finishBatches()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      asked.open()
      try await pipeline.quiet()
      #expect(provider.calls.isEmpty)
    }
  }

  @Test func aCallThatFailsLeavesTheAnswerToTheBatch() async throws {
    let provider = stubborn()
    provider.onCall { _, _ in ScriptedProvider.failure(.rejected, status: 400) }
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a"))
      try await pipeline.until("the call") { provider.calls.count == 1 }
      try await pipeline.quiet()
      #expect(try pipeline.replies().isEmpty)
      provider.finishBatches()
      let replies = try await pipeline.untilReplies(1)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.calls.count == 1)
    }
  }

  @Test func aRescueIsNotForgottenByACrash() async throws {
    let provider = stubborn()
    try await Pipeline.run(provider) { pipeline in
      pipeline.push(urgent("a", "b"))
      let decided = pipeline.ledger.gate(after: .rescue)
      decided.shut()
      try await pipeline.until("the decision") { decided.held == 1 }
      let spent = try await pipeline.ledger.doubleSpend(since: TestClock.start)
      decided.open()
      try await pipeline.restart()
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(provider.calls.count == 2)
      #expect(try await pipeline.ledger.doubleSpend(since: TestClock.start) == spent)
    }
  }

  /// Another spends the budget between the choice and the commit: then the batch is cancelled.
  @Test func aBudgetThatIsSpentMeanwhileLeavesTheCancel() async throws {
    let provider = stuck()
    try await Pipeline.run(provider) { pipeline in
      // So many are due a little later that a cancel costs more than two calls.
      let rest = (0..<20).map { number in Message("m\(number)") { $0.deadlineMilliseconds = Self.deadline + 200_000 } }
      pipeline.push(urgent("a", "b") + rest)
      let decided = pipeline.ledger.gate(before: .rescue)
      decided.shut()
      try await pipeline.until("the decision") { decided.held == 1 }
      let batch = try #require(try await pipeline.ledger.base.openBatches().first)
      let row = try #require(try await pipeline.ledger.base.unsettledRows(batch.id, after: nil, limit: 50).last)
      let most = pipeline.configuration.rescue.maximumDoubleSpend
      let limit = SpendLimit(most: most, since: TestClock.start)
      _ = try await pipeline.ledger.base.rescue(
        batch.id, .sendTwice([RescuedRow(id: row.id, cost: most)], limit), at: pipeline.clock.now())
      decided.open()
      let replies = try await pipeline.untilReplies(22)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.count(.cancel) == 1)
    }
  }

  /// A budget that is too small for some of them is looked at again: calls turn out to be cheaper than was estimated.
  @Test func whatTheBudgetDoesNotCoverIsTriedAgain() async throws {
    let provider = stubborn()
    try await Pipeline.run(
      provider, configure: { $0.configuration.rescue.maximumDoubleSpend = PicoUSD(150_000) }
    ) { pipeline in
      pipeline.push(urgent("a", "b"))
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.map(\.correlation) == ["a", "b"])
      #expect(replies.allSatisfy { $0.summary.isSuccess && isInTime($0, pipeline) })
      #expect(pipeline.ledger.count(.rescue) >= 2)
      #expect(provider.calls.count == 2)
    }
  }
}
