import BatchCore
import Ledger
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// Requests for embeddings that share lines, and get what each would have got alone.
@Suite(.timeLimit(.minutes(4)))
struct EmbeddingMergeTests {
  static let limits = EmbeddingLimits(inputs: 2048, tokens: 300_000, tokensEach: 8192)

  static func embed(_ name: String, _ input: String, more: String = "") -> Message {
    Message(name) {
      $0.body =
        #"{"custom_id":"c","method":"POST","url":"/v1/embeddings","body":{"model":"gpt-4o-mini","input":\#(input)\#(more)}}"#
    }
  }

  private static func messages(_ count: Int) -> [Message] {
    (0..<count).map { Self.embed("m\($0)", $0 % 3 == 0 ? #"["text \#($0)","more"]"# : #""text \#($0)""#) }
  }

  /// The vector of an input is its text; each has 5 tokens.
  static func answer(_ row: BatchRow) -> (body: [UInt8], usage: Usage?)? {
    guard let input = try? JSONSlice.parse(row.body.bytes)["input"] else { return nil }
    let inputs = input.kind == .array ? input.elements.map { $0.string ?? "" } : [input.string ?? ""]
    let data = inputs.enumerated().map { #"{"index":\#($0),"embedding":["\#($1)"]}"# }.joined(separator: ",")
    let tokens = inputs.count * 5
    return (
      Array(#"{"data":[\#(data)],"usage":{"prompt_tokens":\#(tokens),"total_tokens":\#(tokens)}}"#.utf8),
      Usage(inputTokens: Int64(tokens))
    )
  }

  static func provider(_ change: @escaping @Sendable (Int, inout BatchPlot) -> Void = { _, _ in })
    -> ScriptedProvider
  {
    let provider = ScriptedProvider(embeddings: limits)
    provider.onBatch { number, _ in
      BatchPlot {
        $0.answer = { answer($0) }
        change(number, &$0)
      }
    }
    return provider
  }

  static func merging(_ pipeline: Pipeline) { pipeline.configuration.mergesEmbeddings = true }

  /// The vectors in each reply to the byte, by correlation.
  private static func vectors(_ pipeline: Pipeline) throws -> [String: [UInt8]] {
    var vectors: [String: [UInt8]] = [:]
    for message in pipeline.sink.confirmed where message.properties.type == Array("llm.result".utf8) {
      let data = try JSONSlice.parse(message.body)["response"]?["body"]?["data"]
      vectors[try Reply(message).correlation] = data.map { Array($0.raw) } ?? []
    }
    return vectors
  }

  private static func tokens(_ replies: [Reply]) -> Int64 {
    replies.reduce(0) { $0 + ($1.summary.usage?.inputTokens ?? 0) }
  }

  @Test func answersAreThoseThatEachWouldHaveGotAlone() async throws {
    var found: [[String: [UInt8]]] = []
    var tokens: [Int64] = []
    for merges in [false, true] {
      let provider = Self.provider()
      try await Pipeline.run(provider, configure: { $0.configuration.mergesEmbeddings = merges }) { pipeline in
        pipeline.push(Self.messages(60) + [Self.embed("other", #""x""#, more: #","dimensions":8"#)])
        let replies = try await pipeline.untilReplies(61)
        #expect(provider.created.map(\.count) == [merges ? 2 : 61])
        #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 1 })
        try await pipeline.until("the batch to settle") { pipeline.ledger.count(.settle) == 1 }
        found.append(try Self.vectors(pipeline))
        tokens.append(Self.tokens(replies))
      }
    }
    #expect(tokens == [405, 405])
    #expect(found[0].count == 61 && found[0] == found[1])
  }

  @Test func withoutTheOptionOrTheCapabilityNothingIsMerged() async throws {
    let provider = ScriptedProvider()
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      pipeline.push(Self.messages(5))
      _ = try await pipeline.untilReplies(5)
      #expect(provider.created.map(\.count) == [5])
    }
  }

  @Test func aLineThatIsRefusedCostsNobodyAnAnswer() async throws {
    let provider = Self.provider { number, plot in
      // With the bad one in it a line is refused, whatever else it holds.
      plot.row = { _, row in row.body.bytes.firstRange(of: Array("bad".utf8)) == nil ? .succeeded : .ended(.rejected) }
    }
    try await Pipeline.run(
      provider,
      configure: {
        Self.merging($0)
        $0.configuration.maximumAttempts = 1
      }
    ) { pipeline in
      pipeline.push(Self.messages(20) + [Self.embed("bad", #""bad""#)])
      let replies = try await pipeline.untilReplies(21)
      #expect(replies.filter { !$0.summary.isSuccess }.map(\.correlation) == ["bad"])
      #expect(replies.first { $0.correlation == "bad" }?.code == "provider_rejected")
      // The attempt in the line was not theirs.
      #expect(replies.allSatisfy { $0.summary.attempts == 1 })
      #expect(provider.created.map(\.count) == [1, 21])
    }
  }

  @Test func anAnswerThatDoesNotFitAnswersNobody() async throws {
    let provider = Self.provider { number, plot in
      guard number == 0 else { return }
      plot.answer = { _ in
        (Array(#"{"data":[{"index":0,"embedding":["theirs"]}]}"#.utf8), Usage(inputTokens: 1000))
      }
    }
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      pipeline.push(Self.messages(10))
      let replies = try await pipeline.untilReplies(10)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.map(\.count) == [1, 10])
      #expect(try Self.vectors(pipeline).values.allSatisfy { $0.firstRange(of: Array("theirs".utf8)) == nil })
      // What the line cost is kept.
      let query = CostQuery(dimensions: [.tenant], days: 0...100_000, limit: 9)
      let cost = try await pipeline.ledger.costs(query).lines.map(\.sums.cost)
      #expect(cost == [1000 * 50 + 14 * 5 * 50])
    }
  }

  @Test func aBatchThatIsRefusedForALineIsSentWithoutMerging() async throws {
    for problem in [("invalid_request", 1), ("invalid_request", nil), ("no_such_thing", nil)] as [(String, Int?)] {
      let provider = ScriptedProvider(embeddings: Self.limits)
      provider.onBatch { number, _ in
        number == 0 ? .failed(problem.0, line: problem.1) : BatchPlot { $0.answer = { Self.answer($0) } }
      }
      try await Pipeline.run(provider, configure: Self.merging) { pipeline in
        pipeline.push(Self.messages(10))
        let replies = try await pipeline.untilReplies(10)
        #expect(replies.allSatisfy { $0.summary.isSuccess })
        #expect(provider.created.map(\.count) == [1, 10])
      }
    }
  }

  @Test func resultsAreReadTwiceAndAfterTheOptionIsOff() async throws {
    let provider = Self.provider { _, plot in plot.copies = 2 }
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      provider.uploadGate.shut()
      pipeline.push(Self.messages(30))
      try await pipeline.until("the upload") { provider.uploadGate.held == 1 }
      #expect(pipeline.ledger.count(.keepLines) == 1)
      pipeline.configuration.mergesEmbeddings = false
      provider.uploadGate.open()
      try await pipeline.restart()
      pipeline.ledger.setUnavailable([.settle])
      _ = try await pipeline.untilReplies(30)
      try await pipeline.until("a try to settle the batch") { pipeline.ledger.count(.settle) > 0 }
      try await pipeline.restart()
      try await pipeline.until("the batch to settle") { pipeline.ledger.count(.settle) == 1 }
      #expect(provider.created.map(\.count) == [1] && provider.count(.results) == 2)
      #expect(try pipeline.replies().count == 30)
      #expect(pipeline.ledger.count(.keepLines) == 0)
    }
  }

  @Test func aLostCreateIsFoundAndReadWithItsLines() async throws {
    let provider = Self.provider()
    provider.fail(.create, .answerLost)
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      pipeline.push(Self.messages(12))
      let replies = try await pipeline.untilReplies(12)
      #expect(replies.allSatisfy { $0.summary.isSuccess })
      #expect(provider.created.map(\.count) == [1])
    }
  }

  @Test func whatAProviderHidesIsCountedByLines() async throws {
    // All of it ran, and one line is in no file: its requests are answered so, and not sent again as those are that did not
    // run before the end.
    let provider = Self.provider { _, plot in
      plot.end = .expired
      plot.row = { place, _ in place == 0 ? .lost : .succeeded }
      plot.counts = BatchSnapshot.Counts(total: 2, completed: 2, failed: 0)
    }
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      pipeline.push(
        Self.messages(9) + (0..<9).map { Self.embed("n\($0)", #""n\#($0)""#, more: #","dimensions":8"#) })
      let replies = try await pipeline.untilReplies(18)
      #expect(replies.filter { $0.code == "result_missing" }.count == 9)
      #expect(provider.created.map(\.count) == [2])
    }
  }

  @Test func aCancelledBatchGivesItsLinesBack() async throws {
    let provider = Self.provider { number, plot in
      guard number == 0 else { return }
      plot.row = { _, _ in .ended(.notExecuted(.expired)) }
      plot.end = .expired
    }
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      pipeline.push(Self.messages(8))
      let replies = try await pipeline.untilReplies(8)
      #expect(replies.allSatisfy { $0.summary.isSuccess && $0.summary.attempts == 2 })
      #expect(provider.created.map(\.count) == [1, 8])
    }
  }

  @Test func whoFollowsACallInALineHasAReplyToo() async throws {
    let provider = Self.provider()
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      let named = ["first", "second"].map { name in
        var message = Self.embed(name, #""same""#)
        message.key = "mine"
        return message
      }
      pipeline.push(Self.messages(5) + named)
      let replies = try await pipeline.untilReplies(7)
      #expect(replies.allSatisfy { $0.summary.isSuccess } && Set(replies.map(\.messageID)).count == 7)
      #expect(provider.created.map(\.count) == [1])
      let vectors = try Self.vectors(pipeline)
      #expect(vectors["first"] == Array(#"[{"index":0,"embedding":["same"]}]"#.utf8))
      #expect(vectors["first"] == vectors["second"])
    }
  }

  /// One is answered by the call that saves it, the other by the line that runs on.
  @Test func aRequestOfALineIsSavedByItself() async throws {
    let provider = ScriptedProvider(cancellable: false, embeddings: Self.limits)
    provider.onBatch { _, _ in
      BatchPlot {
        $0.runningPolls = 1_000_000
        $0.answer = { Self.answer($0) }
      }
    }
    provider.onCall { _, call in
      call.body.bytes.firstRange(of: Array("first".utf8)) == nil
        ? ScriptedProvider.failure(.rejected, status: 400) : ScriptedProvider.success(of: call)
    }
    try await Pipeline.run(provider, configure: Self.merging) { pipeline in
      pipeline.push(
        ["first", "second"].map { name in
          var message = Self.embed(name, "\"\(name)\"")
          message.deadlineMilliseconds = 1_500_000
          return message
        })
      let early = try await pipeline.untilReplies(1)
      #expect(early.map(\.correlation) == ["first"] && early[0].summary.isSuccess)
      try await pipeline.until("the other call") { provider.calls.count == 2 }
      provider.finishBatches()
      let replies = try await pipeline.untilReplies(2)
      #expect(replies.allSatisfy { $0.summary.isSuccess } && provider.created.map(\.count) == [1])
      #expect(try Self.vectors(pipeline)["second"] == Array(#"[{"index":0,"embedding":["second"]}]"#.utf8))
      try await pipeline.until("the batch to settle") { pipeline.ledger.count(.settle) == 1 }
      #expect(provider.calls.count == 2)
    }
  }
}
