public import CoreMetrics
import Threading

/// Keeps the metrics of the process and gives them out in Prometheus' text format.
///
/// Names are `<prefix>_<label>`, with `_total` for counters and `_seconds` for timers. Recorders that do not aggregate
/// and meters become gauges; timers and recorders that aggregate become histograms. A metric keeps a bounded number of
/// label sets: what comes later is counted in one whose values are all `other`, and
/// `<prefix>_metric_label_overflows_total` tells of it.
///
/// Making a handler takes a lock; using one takes an atomic operation.
public final class MetricsRegistry: MetricsFactory {
  private let prefix: String
  private let descriptions: [String: MetricDescription]
  private let labelSetsPerMetric: Int
  private let families = Locked<[String: MetricFamily]>([:])
  private let overflows: CounterCell
  private let conflicts: CounterCell

  /// - Parameters:
  ///   - prefix: Begins every name but those of the process metrics, which are the same in every program.
  ///   - descriptions: Help texts and buckets, by label.
  ///   - labelSetsPerMetric: Label sets that a metric keeps apart.
  public init(prefix: String = "llm_batch", descriptions: [MetricDescription] = [], labelSetsPerMetric: Int = 200) {
    self.prefix = prefix
    let own = [
      MetricDescription(
        "metric_label_overflows", "Handlers that were given the label set other since their metric has too many."),
      MetricDescription("metric_conflicts", "Handlers without effect since their name is in use for another kind."),
    ]
    self.descriptions = Dictionary((descriptions + own).map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
    self.labelSetsPerMetric = max(1, labelSetsPerMetric)
    overflows = CounterCell()
    conflicts = CounterCell()
  }

  public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    make(label, dimensions, .counter, suffix: "_total") as? CounterCell ?? DiscardingCell()
  }

  public func makeFloatingPointCounter(
    label: String, dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    make(label, dimensions, .floatingPointCounter, suffix: "_total") as? FloatingPointCounterCell ?? DiscardingCell()
  }

  public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    make(label, dimensions, .gauge) as? GaugeCell ?? DiscardingCell()
  }

  public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    if aggregate { return make(label, dimensions, .histogram) as? HistogramCell ?? DiscardingCell() }
    return make(label, dimensions, .gauge) as? GaugeCell ?? DiscardingCell()
  }

  public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    make(label, dimensions, .histogram, suffix: "_seconds") as? HistogramCell ?? DiscardingCell()
  }

  public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
  public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
  public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
  public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
  public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

  /// Every metric as text, sorted by name and labels; the process metrics too.
  public func render() -> [UInt8] {
    var text = PrometheusText()
    var snapshot = families.withLock { $0 }
    for (label, cell) in [("metric_label_overflows", overflows), ("metric_conflicts", conflicts)] {
      let name = fullName(label, "_total")
      guard snapshot[name] == nil else { continue }
      snapshot[name] = MetricFamily(kind: .counter, help: help(label), bounds: [], only: cell)
    }
    for (name, family) in snapshot.sorted(by: { $0.key < $1.key }) where !family.cells.isEmpty {
      text.header(name: name, kind: family.kind.text, help: family.help)
      for (labels, cell) in family.cells.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        cell.samples { suffix, extra, value in
          text.sample(name: name + suffix, labels: labels, extra: extra, value: value)
        }
      }
    }
    ProcessMetrics.write(to: &text)
    return text.bytes
  }

  /// Nothing where the name is in use for another kind.
  private func make(
    _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind, suffix: String = ""
  ) -> (any MetricCell)? {
    let name = fullName(label, suffix)
    let pairs = Self.labels(dimensions)
    let found = families.withLock { families -> (cell: any MetricCell, isOther: Bool)? in
      var family =
        families[name]
        ?? MetricFamily(kind: kind, help: help(label), bounds: bounds(label, isTimer: suffix == "_seconds"))
      guard family.kind == kind else { return nil }
      // Taken out while it changes: a second reference would have its cells copied.
      families[name] = nil
      defer { families[name] = family }
      return family.cell(pairs, bound: labelSetsPerMetric)
    }
    guard let found else {
      conflicts.increment(by: 1)
      return nil
    }
    if found.isOther { overflows.increment(by: 1) }
    return found.cell
  }

  private func remove(_ handler: AnyObject) {
    families.withLock { families in
      for name in families.keys { families[name]?.remove(handler) }
    }
  }

  private func fullName(_ label: String, _ suffix: String) -> String {
    let name = PrometheusText.name(prefix.isEmpty ? label : prefix + "_" + label)
    return name.hasSuffix(suffix) ? name : name + suffix
  }

  private func help(_ label: String) -> String {
    descriptions[label]?.help ?? label
  }

  private func bounds(_ label: String, isTimer: Bool) -> [Double] {
    let bounds = descriptions[label]?.buckets
    return (bounds ?? (isTimer ? MetricDescription.durationBuckets : MetricDescription.sizeBuckets)).sorted()
  }

  /// Labels with usable names, sorted, so that the order in which they are given does not matter.
  private static func labels(_ dimensions: [(String, String)]) -> [(String, String)] {
    var seen: Set<String> = []
    return
      dimensions.map { name, value in
        let usable = PrometheusText.name(name)
        // Histograms use this one themselves.
        return (usable == "le" ? "le_" : usable, value)
      }
      .filter { seen.insert($0.0).inserted }
      .sorted { $0.0 < $1.0 }
  }
}

extension MetricFamily {
  /// A family of one cell without labels.
  fileprivate init(kind: Kind, help: String, bounds: [Double], only cell: any MetricCell) {
    self.init(kind: kind, help: help, bounds: bounds)
    insert(cell)
  }
}
