import BatchCore
import TestSupport
import Testing
import Wire

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct RetentionTests {
  private func untilPurged(_ pipeline: Pipeline, after: Duration) async throws {
    let begin = pipeline.clock.monotonic()
    try await pipeline.until("the time to pass") { pipeline.clock.monotonic() - begin > after }
    let done = pipeline.ledger.count(.purge)
    try await pipeline.until("a step of the retention") { pipeline.ledger.count(.purge) > done }
  }

  @Test func whatIsPastItsTimeIsForgotten() async throws {
    try await Pipeline.run(
      configure: {
        $0.configuration.retention = .seconds(600)
        $0.configuration.bodyRetention = .seconds(300)
      }
    ) { pipeline in
      let message = Message("a") { $0.key = "a" }
      pipeline.push(message)
      let first = try await pipeline.untilReplies(1)
      pipeline.push(message)
      let again = try await pipeline.untilReplies(2)
      #expect(again[1].messageID == first[0].messageID)
      // Its body is gone: it is asked for anew, as a reply of its own.
      try await untilPurged(pipeline, after: .seconds(400))
      pipeline.push(message)
      let anew = try await pipeline.untilReplies(3)
      #expect(anew[2].messageID != first[0].messageID && anew[2].summary.isSuccess)
      #expect(pipeline.provider.paid.count == 2)
      // All of it is gone.
      try await untilPurged(pipeline, after: .seconds(1200))
      pipeline.push(message)
      let last = try await pipeline.untilReplies(4)
      #expect(last[3].messageID == first[0].messageID)
      #expect(pipeline.provider.paid.count == 3)
    }
  }
}
