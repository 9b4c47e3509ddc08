import Observability
import Testing

@testable import Worker

/// Publishers make up the names of models: the gauges are bounded all the same, and what is open can be seen.
@Suite struct BreakerGaugesTests {
  private let registry = MetricsRegistry(labelSetsPerMetric: 1000)

  private func gauges() -> BreakerGauges { BreakerGauges(metrics: WorkerMetrics(factory: registry)) }

  /// Values by model, of one provider.
  private func values(_ provider: String = "openai") -> [String: String] {
    let lines = String(decoding: registry.render(), as: UTF8.self).split(separator: "\n")
    var found: [String: String] = [:]
    for line in lines where line.hasPrefix("llm_batch_breaker_state{") && line.contains("provider=\"\(provider)\"") {
      let model = line.split(separator: "\"", omittingEmptySubsequences: false)[1]
      found[String(model)] = String(line.split(separator: " ").last ?? "")
    }
    return found
  }

  @Test func aNameThatIsMadeUpTakesNoPlaceForEver() {
    let gauges = gauges()
    for number in 0..<5000 {
      gauges.set(provider: "openai", model: "made-up-\(number)", .open)
      gauges.set(provider: "openai", model: "made-up-\(number)", .closed)
    }
    gauges.set(provider: "openai", model: "gpt-4o-mini", .open)
    #expect(values().count <= BreakerGauges.mostModels + 1)
    #expect(values()["gpt-4o-mini"] == "1")
  }

  @Test func beyondTheBoundTheWorstIsShown() {
    let gauges = gauges()
    for number in 0..<BreakerGauges.mostModels { gauges.set(provider: "openai", model: "m-\(number)", .open) }
    #expect(values().count == BreakerGauges.mostModels && values()["other"] == nil)
    for number in 0..<500 { gauges.set(provider: "openai", model: "x-\(number)", .open) }
    #expect(values().count == BreakerGauges.mostModels + 1)
    #expect(values()["other"] == "1")
    for number in 0..<500 { gauges.set(provider: "openai", model: "x-\(number)", number == 7 ? .open : .closed) }
    #expect(values()["other"] == "1")
    gauges.set(provider: "openai", model: "x-7", .probing)
    #expect(values()["other"] == "2")
    gauges.set(provider: "openai", model: "x-7", .closed)
    #expect(values()["other"] == "0")
    // Another provider has one of its own.
    gauges.set(provider: "azure", model: "y", .open)
    #expect(values("azure") == ["other": "1"])
    // Those that have a gauge keep it.
    #expect((0..<BreakerGauges.mostModels).allSatisfy { values()["m-\($0)"] == "1" })
  }
}
