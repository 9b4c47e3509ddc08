import BatchCore
import Ledger
import LedgerRules
import TestSupport
import Testing
import Wire

@testable import LedgerSQLite
@testable import Worker

/// The process dies somewhere, and another goes on.
@Suite(.timeLimit(.minutes(4)))
struct RestartTests {
  enum Point: CaseIterable, Sendable {
    case accepted, planned, uploading, creating, createdUnconfirmed, submitted, recorded, unpublished, unconfirmed
  }

  @Test(arguments: Point.allCases)
  func aDeferredRequestIsPaidOnceAndAnswered(point: Point) async throws {
    let provider = ScriptedProvider()
    try await Pipeline.run(provider) { pipeline in
      try await Self.arrive(at: point, pipeline)
      // What held the first process does not hold the second.
      provider.uploadGate.open()
      provider.createGate.open()
      pipeline.sink.gate.open()
      try await pipeline.restart()
      try await pipeline.until("both replies") { Set(try pipeline.replies().map(\.correlation)) == ["a", "b"] }
      try await pipeline.untilSettled()
      let replies = try pipeline.replies()
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(Set(replies.map(\.messageID)).count == 2)
      #expect(provider.paid.count == 2)
      #expect(provider.created.count == 1)
    }
  }

  private static func arrive(at point: Point, _ pipeline: Pipeline) async throws {
    let provider = pipeline.provider
    switch point {
    case .accepted: break
    case .planned: pipeline.ledger.gate(after: .plan).shut()
    case .uploading: provider.uploadGate.shut()
    case .creating: provider.createGate.shut()
    case .createdUnconfirmed: pipeline.ledger.setUnavailable([.markSubmitted])
    case .submitted: provider.onBatch { _, _ in BatchPlot { $0.runningPolls = 20 } }
    case .recorded: pipeline.ledger.setUnavailable([.takeReplies])
    case .unpublished: pipeline.sink.gate.shut()
    case .unconfirmed: pipeline.ledger.setUnavailable([.delivered])
    }
    pipeline.push(Message("a"), Message("b"))
    try await pipeline.until("\(point)") {
      switch point {
      case .accepted: pipeline.deferred.count(.ack) == 2
      case .planned: pipeline.ledger.gate(after: .plan).held == 1
      case .uploading: provider.uploadGate.held == 1
      case .creating: provider.createGate.held == 1
      case .createdUnconfirmed: pipeline.ledger.count(.markSubmitted) > 0
      case .submitted: provider.count(.retrieve) > 2
      case .recorded: pipeline.ledger.count(.settle) == 1
      case .unpublished: pipeline.sink.gate.held == 1
      case .unconfirmed: pipeline.ledger.count(.delivered) > 0
      }
    }
    pipeline.ledger.gate(after: .plan).open()
  }

  /// It has fewer rows than it says, and cannot be sent.
  @Test func aPlannedBatchOfWhichAStepWasTakenApartIsTakenApartToItsEnd() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.gate(after: .plan).shut()
      // Asked beside what counts, so that all can be quiet.
      let ledger = try #require(pipeline.ledger.base as? SQLiteLedger)
      pipeline.push((0..<300).map { Message("m\($0)") })
      try await pipeline.until("a batch of all") {
        try await ledger.openBatches().reduce(0) { $0 + $1.rowCount } == 300
      }
      let batch = try #require(try await ledger.openBatches().max { $0.rowCount < $1.rowCount })
      let now = pipeline.clock.now()
      let isDone = try await ledger.commits.perform(rows: 1) {
        try $0.abandon(batch.id, notBefore: now, limit: nil, costUnknown: false, at: now)
      }
      #expect(!isDone)
      pipeline.ledger.gate(after: .plan).open()
      try await pipeline.restart()
      #expect(try await pipeline.untilReplies(300).allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 1 })
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.count == 300)
      #expect(try await pipeline.ledger.openBatches().isEmpty)
    }
  }

  @Test func aDeliveryWithoutACommitComesAgain() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setUnavailable([.admit])
      pipeline.push(Message("a"), Message("b") { $0.messageID = nil })
      try await pipeline.until("a try") { pipeline.ledger.count(.admit) > 1 }
      try await pipeline.restart()
      _ = try await pipeline.untilReplies(2)
      try await pipeline.untilSettled()
      #expect(pipeline.provider.paid.count == 2)
    }
  }

  /// The documented exception: a call in flight may be paid twice, but is answered under one name.
  @Test func anInteractiveCallInFlightIsMadeAgain() async throws {
    try await Pipeline.run { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push(Message("a"), to: .interactive)
      try await eventually("the call") { pipeline.provider.callGate.held == 1 }
      try await pipeline.restart()
      pipeline.provider.callGate.open()
      let replies = try await pipeline.untilReplies(1)
      try await pipeline.untilSettled()
      #expect(replies.first?.summary.isSuccess == true)
      #expect(pipeline.provider.calls.count == 2)
      #expect(Set(replies.map(\.messageID)).count == 1)
    }
  }

  @Test func aFinishedInteractiveCallIsNotMadeAgain() async throws {
    try await Pipeline.run { pipeline in
      pipeline.sink.gate.shut()
      pipeline.push(Message("a"), to: .interactive)
      try await eventually("the reply") { pipeline.sink.gate.held == 1 }
      pipeline.sink.gate.open()
      try await pipeline.restart()
      try await pipeline.untilSettled()
      #expect(pipeline.provider.calls.count == 1)
      #expect(pipeline.provider.paid.count == 1)
    }
  }

  @Test func parkedCallsAreTakenUpAgain() async throws {
    try await Pipeline.run(configure: { $0.configuration.workerConcurrency = 2 }) { pipeline in
      pipeline.provider.callGate.shut()
      pipeline.push((0..<6).map { number in Message("m\(number)") { $0.lane = "interactive" } })
      try await pipeline.until("two calls") { pipeline.provider.callGate.held == 2 }
      try await pipeline.untilSettled()
      try await pipeline.restart()
      pipeline.provider.callGate.open()
      let replies = try await pipeline.untilReplies(6)
      #expect(Set(replies.map(\.correlation)).count == 6)
      #expect(pipeline.provider.paid.count == 6)
    }
  }

  /// A window that closes while the open batches are still being looked for must not be taken for one of them.
  @Test func aBatchOfThisProcessIsNotResumedBesides() async throws {
    try await Pipeline.run(configure: { $0.configuration.deferredWindow.maximumRequests = 2 }) { pipeline in
      pipeline.push(Message("a"))
      try await pipeline.until("the first to be acked") { pipeline.deferred.count(.ack) == 1 }
      try await pipeline.kill()
      pipeline.provider.uploadGate.shut()
      pipeline.ledger.gate(before: .takeOver).shut()
      pipeline.revive()
      pipeline.push(Message("b"), Message("c"))
      try await pipeline.until("the others to be acked") { pipeline.deferred.count(.ack) == 2 }
      try await pipeline.quiet()
      pipeline.ledger.gate(before: .takeOver).open()
      try await pipeline.quiet()
      pipeline.provider.uploadGate.open()
      _ = try await pipeline.untilReplies(3)
      #expect(pipeline.provider.paid.count == 3)
    }
  }
  // MARK: Another key

  @Test func whatWasNotSubmittedGoesOutWithTheNewKey() async throws {
    try await Pipeline.run { pipeline in
      let old = pipeline.provider
      old.uploadGate.shut()
      pipeline.push(Message("a"), Message("b"))
      try await pipeline.until("the upload") { old.uploadGate.held == 1 }
      let new = ScriptedProvider(account: "openai-new-key")
      pipeline.provider = new
      try await pipeline.restart()
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 1 })
      #expect(old.paid.isEmpty && new.paid.count == 2)
    }
  }

  @Test(arguments: [true, false])
  func whatWasSubmittedWaitsForItsKey(isConfirmed: Bool) async throws {
    let old = ScriptedProvider()
    old.onBatch { _, _ in BatchPlot { $0.runningPolls = 3 } }
    try await Pipeline.run(old) { pipeline in
      if !isConfirmed { pipeline.ledger.setUnavailable([.markSubmitted]) }
      pipeline.push(Message("a"), Message("b"))
      try await pipeline.until("the batch to be created") { old.created.count == 1 && old.paid.count == 2 }
      if isConfirmed { try await pipeline.until("a poll") { old.count(.retrieve) > 0 } }
      let new = ScriptedProvider(account: "openai-new-key")
      pipeline.provider = new
      try await pipeline.restart()
      try await pipeline.until("the report") {
        pipeline.health.current.contains { problem in
          switch problem.part {
          case .unknownBatch: !isConfirmed
          case .unreachableBatch: isConfirmed
          default: false
          }
        }
      }
      let before = pipeline.clock.monotonic()
      try await pipeline.until("an hour to pass") { pipeline.clock.monotonic() - before > .seconds(3600) }
      #expect(new.created.isEmpty && pipeline.sink.published.isEmpty)
      pipeline.provider = old
      try await pipeline.restart()
      _ = try await pipeline.untilReplies(2)
      #expect(old.created.count == 1 && old.paid.count == 2)
    }
  }
}
