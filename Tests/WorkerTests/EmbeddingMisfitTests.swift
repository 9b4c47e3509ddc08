import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import Worker

/// Lines that requests for embeddings share, at providers that do not play along.
@Suite(.timeLimit(.minutes(4)))
struct EmbeddingMisfitTests {
  private typealias Merge = EmbeddingMergeTests

  /// A provider that says what it takes counts lines.
  @Test func tooManyLinesAreCountedAsLines() async throws {
    let provider = ScriptedProvider(embeddings: Merge.limits)
    provider.onBatch { number, _ in
      number == 0 ? .failed("too_many_tasks", "too many requests") : BatchPlot { $0.answer = { Merge.answer($0) } }
    }
    try await Pipeline.run(provider, configure: Merge.merging) { pipeline in
      // Four lines of five.
      pipeline.push((0..<20).map { Merge.embed("m\($0)", "\"text \($0)\"", more: #","dimensions":\#(8 + $0 / 5)"#) })
      let replies = try await pipeline.untilReplies(20)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.first?.count == 4)
      let standings = try await pipeline.ledger.standings(at: pipeline.clock.now())
      // Half of what was refused.
      #expect(standings.compactMap(\.lessons.largestRows) == [2])
    }
  }

  @Test func aModelWhoseAnswersDoNotFitSharesNoMoreLines() async throws {
    // As of a gateway that numbers no element.
    let provider = Merge.provider { _, plot in
      plot.answer = { row in
        Merge.answer(row).map { answer in
          let text = String(decoding: answer.body, as: UTF8.self).replacing(/"index":[0-9]+/, with: #""index":0"#)
          return (Array(text.utf8), answer.usage)
        }
      }
    }
    try await Pipeline.run(provider, configure: Merge.merging) { pipeline in
      func push(_ names: ClosedRange<Int>) { pipeline.push(names.map { Merge.embed("s\($0)", "\"text \($0)\"") }) }
      push(1...6)
      _ = try await pipeline.untilReplies(6)
      #expect(provider.created.map(\.count) == [1, 6])
      push(7...11)
      let replies = try await pipeline.untilReplies(11)
      #expect(provider.created.map(\.count) == [1, 6, 5])
      #expect(replies.allSatisfy { $0.summary.isSuccess })
    }
  }

  /// It ran and was billed: as a request alone, none of its requests is sent again.
  @Test func aSuccessWithoutAnAnswerIsNotPaidTwice() async throws {
    for disposition in [Disposition.rejected, .succeeded] {
      var held: [Int128] = []
      for merges in [false, true] {
        let provider = ScriptedProvider(embeddings: Merge.limits)
        provider.onBatch { _, _ in
          BatchPlot {
            $0.row = { _, _ in .empty(disposition) }
          }
        }
        try await Pipeline.run(provider, configure: { $0.configuration.mergesEmbeddings = merges }) { pipeline in
          pipeline.push((0..<8).map { Merge.embed("m\($0)", "\"text \($0)\"") })
          let replies = try await pipeline.untilReplies(8)
          let code = disposition == .rejected ? "provider_rejected" : "result_missing"
          #expect(replies.allSatisfy { $0.code == code && $0.summary.attempts == 1 })
          #expect(provider.created.map(\.count) == [merges ? 1 : 8])
          let query = CostQuery(dimensions: [.tenant], days: 0...100_000, limit: 9)
          let sums = try await pipeline.ledger.costs(query).lines.map(\.sums)
          #expect(sums.map(\.unknown) == [8])
          held += sums.map(\.held)
        }
      }
      #expect(held.count == 2 && held[0] == held[1] && held[0] > 0)
    }
  }
}
