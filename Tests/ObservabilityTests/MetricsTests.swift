import Metrics
import Testing

@testable import Observability

@Suite("Metrics", .timeLimit(.minutes(4)))
struct MetricsTests {
  private func lines(_ registry: MetricsRegistry) -> [String] {
    String(decoding: registry.render(), as: UTF8.self).split(separator: "\n").map(String.init)
  }

  private func own(_ registry: MetricsRegistry) -> [String] {
    lines(registry).filter { !$0.contains("process_") && !$0.contains("metric_") }
  }

  @Test("counters, gauges and sums, sorted, with help and type")
  func kinds() {
    let registry = MetricsRegistry(
      descriptions: [
        MetricDescription("requests", "Requests taken\nfrom the broker \\ \"all\"."),
        MetricDescription("spend_usd", "Spend."),
      ])
    let labels = [("model", "gpt-4o"), ("lane", "deferred")]
    Counter(label: "requests", dimensions: labels, factory: registry).increment(by: 2)
    // The order of labels does not matter.
    Counter(label: "requests", dimensions: labels.reversed(), factory: registry).increment()
    Counter(label: "requests", dimensions: [("lane", "a\"b\\c\nd")], factory: registry).increment(by: 5)
    FloatingPointCounter(label: "spend_usd", factory: registry).increment(by: 0.125)
    Gauge(label: "backlog", factory: registry).record(7.5)
    let meter = Meter(label: "in-flight.calls", factory: registry)
    meter.increment(by: 3)
    meter.decrement(by: 5)
    #expect(
      own(registry) == [
        "# HELP llm_batch_backlog backlog", "# TYPE llm_batch_backlog gauge", "llm_batch_backlog 7.5",
        "# HELP llm_batch_in_flight_calls in-flight.calls", "# TYPE llm_batch_in_flight_calls gauge",
        "llm_batch_in_flight_calls -2",
        "# HELP llm_batch_requests_total Requests taken\\nfrom the broker \\\\ \"all\".",
        "# TYPE llm_batch_requests_total counter", "llm_batch_requests_total{lane=\"a\\\"b\\\\c\\nd\"} 5",
        "llm_batch_requests_total{lane=\"deferred\",model=\"gpt-4o\"} 3",
        "# HELP llm_batch_spend_usd_total Spend.", "# TYPE llm_batch_spend_usd_total counter",
        "llm_batch_spend_usd_total 0.125",
      ])
  }

  @Test("timers are histograms in seconds with cumulative buckets")
  func timers() {
    let registry = MetricsRegistry(
      prefix: "x", descriptions: [MetricDescription("call", "Calls.", buckets: [0.01, 0.1, 1])])
    let timer = Timer(label: "call", dimensions: [("lane", "i")], factory: registry)
    for milliseconds in [5, 10, 50, 2000] { timer.recordMilliseconds(milliseconds) }
    #expect(
      own(registry) == [
        "# HELP x_call_seconds Calls.", "# TYPE x_call_seconds histogram",
        "x_call_seconds_bucket{lane=\"i\",le=\"0.01\"} 2", "x_call_seconds_bucket{lane=\"i\",le=\"0.1\"} 3",
        "x_call_seconds_bucket{lane=\"i\",le=\"1\"} 3", "x_call_seconds_bucket{lane=\"i\",le=\"+Inf\"} 4",
        "x_call_seconds_sum{lane=\"i\"} 2.065", "x_call_seconds_count{lane=\"i\"} 4",
      ])
  }

  @Test("aggregating recorders are histograms of plain values; values that are none are passed over")
  func recorders() {
    let registry = MetricsRegistry(prefix: "")
    let recorder = Recorder(label: "batch_rows", factory: registry)
    for value in [1, 4, 5, Double.nan, .infinity] { recorder.record(value) }
    Timer(label: "t", factory: registry).recordNanoseconds(-5)
    let text = own(registry)
    #expect(text.contains("batch_rows_bucket{le=\"1\"} 1"))
    #expect(text.contains("batch_rows_bucket{le=\"4\"} 2"))
    #expect(text.contains("batch_rows_count 3"))
    #expect(text.contains("batch_rows_sum 10"))
    #expect(text.contains("t_seconds_sum 0"))
    #expect(text.contains("t_seconds_bucket{le=\"86400\"} 1"))
  }

  @Test("label sets beyond the bound share one, and that is counted")
  func cardinality() {
    let registry = MetricsRegistry(labelSetsPerMetric: 3)
    for tenant in 0..<10 {
      Counter(label: "requests", dimensions: [("tenant", "t\(tenant)")], factory: registry).increment()
    }
    Counter(label: "requests", dimensions: [("tenant", "t1")], factory: registry).increment()
    // A new shape of labels without end is bounded as well.
    for name in 0..<10 { Counter(label: "requests", dimensions: [("n\(name)", "v")], factory: registry).increment() }
    let text = lines(registry)
    let samples = text.filter { $0.hasPrefix("llm_batch_requests_total{") }
    #expect(samples.count == 6)
    #expect(samples.contains("llm_batch_requests_total{tenant=\"other\"} 7"))
    #expect(samples.contains("llm_batch_requests_total{tenant=\"t1\"} 2"))
    #expect(text.contains("llm_batch_metric_label_overflows_total 17"))
  }

  @Test("a destroyed handler leaves and makes room")
  func destroy() {
    let registry = MetricsRegistry(labelSetsPerMetric: 1)
    let first = Counter(label: "c", dimensions: [("a", "1")], factory: registry)
    first.increment()
    first.destroy()
    Counter(label: "c", dimensions: [("a", "2")], factory: registry).increment()
    #expect(own(registry).filter { !$0.hasPrefix("#") } == ["llm_batch_c_total{a=\"2\"} 1"])
  }

  @Test("a name in use for another kind takes nothing and harms nothing")
  func conflict() {
    let registry = MetricsRegistry()
    Counter(label: "c_total", factory: registry).increment()
    Gauge(label: "c_total", factory: registry).record(99)
    FloatingPointCounter(label: "c", factory: registry).increment(by: 1)
    Counter(label: "c", factory: registry).increment(by: -5)
    #expect(own(registry).filter { !$0.hasPrefix("#") } == ["llm_batch_c_total 1"])
    #expect(lines(registry).contains("llm_batch_metric_conflicts_total 2"))
  }

  @Test("names and labels are made usable")
  func names() {
    let registry = MetricsRegistry(prefix: "9 x")
    Recorder(label: "ä-b", dimensions: [("le", "1"), ("0a", "2"), ("a b", "3"), ("a.b", "4")], factory: registry)
      .record(1)
    #expect(own(registry).contains("_9_x___b_count{_0a=\"2\",a_b=\"3\",le_=\"1\"} 1"))
  }

  @Test("increments from many tasks are all counted")
  func concurrent() async {
    let registry = MetricsRegistry()
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let sum = FloatingPointCounter(label: "f", factory: registry)
          let timer = Recorder(label: "r", factory: registry)
          for _ in 0..<2000 {
            Counter(label: "c", factory: registry).increment()
            sum.increment(by: 0.5)
            timer.record(2)
          }
        }
      }
    }
    let text = own(registry)
    #expect(text.contains("llm_batch_c_total 16000"))
    #expect(text.contains("llm_batch_f_total 8000"))
    #expect(text.contains("llm_batch_r_sum 32000"))
    #expect(text.contains("llm_batch_r_count 16000"))
  }

  @Test("the process is measured")
  func process() throws {
    var values: [String: Double] = [:]
    for line in lines(MetricsRegistry()) where line.hasPrefix("process_") {
      let parts = line.split(separator: " ")
      values[String(parts[0])] = Double(parts[1])
    }
    #expect(try #require(values["process_resident_memory_bytes"]) > 1_000_000)
    #expect(try #require(values["process_open_fds"]) >= 3)
    #expect(try #require(values["process_max_fds"]) > 10)
    #expect(try #require(values["process_threads"]) >= 1)
    #expect(try #require(values["process_cpu_seconds_total"]) > 0)
    let age = Double(WallTime.now.seconds) - (try #require(values["process_start_time_seconds"]))
    #expect((-5...600).contains(age), "\(age)")
  }
}
