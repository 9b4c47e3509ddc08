import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// Nothing that costs is begun when another may be about to take the work over.
@Suite(.timeLimit(.minutes(4)))
struct LeaseTests {
  @Test func noCallStartsWithoutALease() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setLeaseLeft(.zero)
      pipeline.push(Message("a"), to: .interactive)
      let before = pipeline.clock.monotonic()
      try await pipeline.until("a minute to pass") { pipeline.clock.monotonic() - before > .seconds(60) }
      #expect(pipeline.ledger.count(.admit) == 1 && pipeline.provider.calls.isEmpty)
      pipeline.ledger.setLeaseLeft(.milliseconds(1))
      #expect(try await pipeline.untilReplies(1).first?.summary.isSuccess == true)
      #expect(pipeline.provider.calls.count == 1)
    }
  }

  /// What is written ends with its time limit, so a create needs a lease that is longer.
  @Test func noCreateIsWrittenThatTheLeaseMayNotOutlast() async throws {
    try await Pipeline.run { pipeline in
      pipeline.ledger.setLeaseLeft(pipeline.configuration.createTimeout)
      pipeline.push(Message("a"))
      try await pipeline.until("some tries") { pipeline.ledger.count(.markPlanned) > 3 }
      #expect(pipeline.provider.count(.create) == 0 && pipeline.provider.count(.upload) == 1)
      // It is known not to have happened, so there is nothing to search.
      #expect(pipeline.provider.count(.findBatches) == 0)
      pipeline.ledger.setLeaseLeft(pipeline.configuration.createTimeout + .milliseconds(1))
      _ = try await pipeline.untilReplies(1)
      #expect(pipeline.provider.count(.create) == 1 && pipeline.provider.count(.upload) == 1)
      #expect(pipeline.provider.paid.count == 1)
    }
  }
}
