import BatchCore
import Settings
import Testing
import Worker

@testable import Millrace

@Suite("Plan", .timeLimit(.minutes(4)))
struct PlanTests {
  private static let mini = FilePlan.Key(provider: "openai", model: "gpt-4o-mini")

  private func plan(_ lines: [String], answers: [FilePlan.Key: FilePlan.Answers] = [:]) -> FilePlan {
    var plan = FilePlan(MillraceSettings(), tokens: PromptCounter(), answers: answers)
    for line in lines { plan.add(Array(line.utf8), at: Timestamp(milliseconds: 0)) }
    return plan
  }

  @Test("costs of both lanes are those of the price table, with answers as long as earlier ones")
  func costs() throws {
    let line = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"abcdefgh"}],"max_tokens":50}"#
    let embedding = #"{"model":"text-embedding-3-small","input":"abcdefgh"}"#
    let found = plan([line, line, embedding], answers: [Self.mini: FilePlan.Answers(outputTokens: 20, inputRatio: 1)])
    let one = try #require(found.lines[Self.mini])
    #expect(one.requests == 2)
    #expect(one.outputTokens == 40)
    #expect(one.interactive == Int128(one.inputTokens) * 150_000 + 40 * 600_000)
    #expect(one.deferred == one.interactive.map { $0 / 2 })
    #expect(one.ceiling == Int128(one.inputTokens) * 150_000 + 100 * 600_000)
    #expect(!found.isAssumed(Self.mini))
    #expect(found.lines[FilePlan.Key(provider: "openai", model: "text-embedding-3-small")]?.outputTokens == 0)
    #expect(found.total.requests == 3 && found.unusable == 0)
    // What nobody knows is assumed, but not beyond what the request allows.
    #expect(plan([line]).lines[Self.mini]?.outputTokens == 50)
    #expect(plan([line]).isAssumed(Self.mini))
  }

  @Test("what cannot be sent or priced is named, and makes no sum")
  func problems() {
    let found = plan([
      "nonsense", #"{"model":"who","input":"x"}"#,
      #"{"model":"gpt-nobody","messages":[{"role":"user","content":"x"}]}"#,
    ])
    #expect(found.unusable == 2)
    #expect(found.problems.map(\.line) == [1, 2])
    #expect(found.total.interactive == nil && found.total.deferred == nil)
    let times = PlanTimes(found, MillraceSettings(), turnaround: [:])
    let text = PlanText.lines(found, times).joined(separator: "\n")
    #expect(text.contains("no price is known of gpt-nobody"))
    #expect(text.contains("line 2: unknown_model"))
    #expect(PlanText.json(found, times).contains(#""interactive_usd":null"#))
  }

  @Test("a model without a price of batches is not for nothing in them")
  func unbatched() throws {
    var settings = MillraceSettings()
    var price = PriceSettings(name: "gpt-x")
    price.base = PriceSettings.Tier(
      list: PriceSettings.Rates(input: 10, cachedInput: 10, cacheWrite: 10, output: 20), batch: nil)
    settings.prices = [price]
    var found = FilePlan(settings, tokens: PromptCounter(), answers: [:])
    for model in ["gpt-x", "gpt-4o-mini"] {
      let line = #"{"model":"\#(model)","messages":[{"role":"user","content":"x"}],"max_tokens":5}"#
      found.add(Array(line.utf8), at: Timestamp(milliseconds: 0))
    }
    #expect(found.unusable == 0)
    #expect(try #require(found.total.interactive) > 0)
    #expect(found.total.deferred == nil)
    let text = PlanText.lines(found, PlanTimes(found, settings, turnaround: [:])).joined(separator: "\n")
    #expect(text.contains("no price of batches is known of gpt-x"))
    #expect(!text.contains("deferred saves"))
  }

  @Test("times follow batches, what was learned and the configured limits")
  func times() {
    var settings = MillraceSettings()
    settings.batching.deferred.maxRequestsPerBatch = 10
    settings.batching.deferred.idle = .seconds(30)
    settings.providers[0].limits.requestsPerMinute = 60
    let line = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}]}"#
    let found = plan(Array(repeating: line, count: 25))
    let times = PlanTimes(found, settings, turnaround: [Self.mini: 100])
    #expect(times.batches == 3)
    #expect(times.deferred == 130)
    #expect(times.isLearned)
    #expect(times.interactive == 25)
    #expect(!PlanTimes(found, settings, turnaround: [:]).isLearned)
  }

  @Test("what a service has learned is read")
  func history() {
    let report = """
      {"lines":[{"provider":"openai","model":"gpt-4o-mini","output_tokens":30,"answers":2,"input_tokens":50,
                 "estimated_input_tokens":100},{"model":"m"}]}
      """
    #expect(
      PlanHistory.answers(Array(report.utf8)) == [Self.mini: FilePlan.Answers(outputTokens: 15, inputRatio: 0.5)])
    #expect(PlanHistory.answers(Array("nonsense".utf8)).isEmpty)
    // The file's input is corrected by it, and no absurd history makes an absurd plan.
    let line = #"{"model":"gpt-4o-mini","messages":[{"role":"user","content":"abcdefgh"}]}"#
    let plain = plan([line]).total.inputTokens
    let half = plan([line], answers: [Self.mini: FilePlan.Answers(outputTokens: 1, inputRatio: 0.5)])
    #expect(half.total.inputTokens == (plain + 1) / 2)
    let absurd = plan([line], answers: [Self.mini: FilePlan.Answers(outputTokens: 1e300, inputRatio: 1e300)])
    #expect(absurd.total.inputTokens == 4 * plain)
    let metrics = """
      # HELP x
      llm_batch_batch_turnaround_seconds{provider="openai",model="gpt-4o-mini",quantile="0.5"} 10
      llm_batch_batch_turnaround_seconds{provider="openai",model="gpt-4o-mini",quantile="0.9"} 20.5
      """
    #expect(PlanHistory.turnaround(metrics, prefix: "llm_batch") == [Self.mini: 20.5])
  }
}
