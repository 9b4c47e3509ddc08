import BatchCore
import Ledger
import Observability
import Testing

@testable import Worker

/// Publishers make up the names of models: what is told of models is bounded all the same.
@Suite struct ModelNamesTests {
  private let registry = MetricsRegistry(labelSetsPerMetric: 10_000)
  private let now = Timestamp(milliseconds: 1_000_000)

  /// Values by model.
  private func values(_ metric: String) -> [String: Double] {
    let lines = String(decoding: registry.render(), as: UTF8.self).split(separator: "\n")
    var found: [String: Double] = [:]
    for line in lines where line.hasPrefix("llm_batch_\(metric){") {
      guard let model = line.firstMatch(of: /model="([^"]*)"/)?.1 else { continue }
      found[String(model)] = Double(line.split(separator: " ").last ?? "")
    }
    return found
  }

  private func entries(_ numbers: Range<Int>) -> [BacklogEntry] {
    numbers.map {
      BacklogEntry(
        lane: .deferred, model: "m-\($0)", requests: 2, tokens: 10, oldest: now, earliestDeadline: nil)
    }
  }

  @Test func theBacklogOfModelsBeyondTheBoundIsAddedUp() {
    let metrics = WorkerMetrics(factory: registry)
    metrics.backlog(entries(0..<150), gone: [], now: now)
    #expect(values("backlog_requests").count == ModelNames.most + 1)
    #expect(values("backlog_requests")["m-0"] == 2)
    #expect(values("backlog_requests")["other"] == 100)
    #expect(values("backlog_tokens")["other"] == 500)
    // Some of the others are gone, then all.
    let gone = Set((120..<150).map { BacklogKey(lane: .deferred, model: "m-\($0)") })
    metrics.backlog(entries(0..<120), gone: gone, now: now)
    #expect(values("backlog_requests")["other"] == 40)
    let rest = Set((1..<120).map { BacklogKey(lane: .deferred, model: "m-\($0)") })
    metrics.backlog(entries(0..<1), gone: rest, now: now)
    #expect(values("backlog_requests")["other"] == 0)
    #expect(values("backlog_requests")["m-1"] == 0)
    #expect(values("backlog_requests")["m-0"] == 2)
  }

  @Test func turnaroundAndRoomAreBounded() {
    let metrics = WorkerMetrics(factory: registry)
    let learned = BatchTurnaround(typical: .seconds(60), window: .seconds(3600), cancel: .seconds(10))
    for number in 0..<500 {
      metrics.turnaround(provider: "openai", model: "m-\(number)", learned)
      metrics.room(provider: "openai", model: "m-\(number)", enqueued: 1, cap: 2, creates: 0, createLimit: nil)
    }
    for metric in ["batch_turnaround_seconds", "batch_cancel_seconds", "enqueued_tokens", "enqueued_tokens_limit"] {
      #expect(values(metric).count == ModelNames.most)
    }
  }
}
