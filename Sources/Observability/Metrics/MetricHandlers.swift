import CoreMetrics
import Synchronization

/// What stands behind one metric with one set of labels.
protocol MetricCell: AnyObject, Sendable {
  /// Calls `line` for each sample: the suffix of the name, further labels, the value.
  func samples(_ line: (_ suffix: String, _ label: (String, String)?, _ value: Double) -> Void)
}

/// A count that only grows.
final class CounterCell: MetricCell, CounterHandler {
  private let count = Atomic<UInt64>(0)

  func increment(by amount: Int64) {
    // A counter that falls would look like a restart.
    guard amount > 0 else { return }
    count.wrappingAdd(UInt64(amount), ordering: .relaxed)
  }

  func reset() {
    count.store(0, ordering: .relaxed)
  }

  func samples(_ line: (String, (String, String)?, Double) -> Void) {
    line("", nil, Double(count.load(ordering: .relaxed)))
  }
}

/// A sum that only grows, such as money spent.
final class FloatingPointCounterCell: MetricCell, FloatingPointCounterHandler {
  private let sum = AtomicDouble()

  func increment(by amount: Double) {
    guard amount > 0, amount.isFinite else { return }
    sum.add(amount)
  }

  func reset() {
    sum.set(0)
  }

  func samples(_ line: (String, (String, String)?, Double) -> Void) {
    line("", nil, sum.value)
  }
}

/// A value that rises and falls.
final class GaugeCell: MetricCell, MeterHandler, RecorderHandler {
  private let current = AtomicDouble()

  func set(_ value: Int64) { current.set(Double(value)) }
  func set(_ value: Double) { current.set(value) }
  func increment(by amount: Double) { current.add(amount) }
  func decrement(by amount: Double) { current.add(-amount) }
  func record(_ value: Int64) { current.set(Double(value)) }
  func record(_ value: Double) { current.set(value) }

  func samples(_ line: (String, (String, String)?, Double) -> Void) {
    line("", nil, current.value)
  }
}

/// A distribution in fixed buckets.
final class HistogramCell: MetricCell, TimerHandler, RecorderHandler {
  /// Atomics cannot be elements of an array.
  private final class Bucket: Sendable {
    let count = Atomic<UInt64>(0)
  }

  private let bounds: [Double]
  private let buckets: [Bucket]
  private let sum = AtomicDouble()

  init(bounds: [Double]) {
    self.bounds = bounds
    buckets = (0...bounds.count).map { _ in Bucket() }
  }

  func recordNanoseconds(_ duration: Int64) {
    record(Double(max(0, duration)) / 1e9)
  }

  func record(_ value: Int64) {
    record(Double(value))
  }

  func record(_ value: Double) {
    guard value.isFinite else { return }
    let index = bounds.firstIndex { value <= $0 } ?? bounds.count
    buckets[index].count.wrappingAdd(1, ordering: .relaxed)
    sum.add(value)
  }

  func samples(_ line: (String, (String, String)?, Double) -> Void) {
    // The count is the sum of the buckets that were read, so that it never contradicts them.
    var total: UInt64 = 0
    for (index, bucket) in buckets.enumerated() {
      total += bucket.count.load(ordering: .relaxed)
      let bound = index < bounds.count ? PrometheusText.number(bounds[index]) : "+Inf"
      line("_bucket", ("le", bound), Double(total))
    }
    line("_sum", nil, sum.value)
    line("_count", nil, Double(total))
  }
}

/// Takes what belongs nowhere: a metric whose name is in use for another kind.
final class DiscardingCell: CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler, TimerHandler {
  func increment(by: Int64) {}
  func increment(by: Double) {}
  func decrement(by: Double) {}
  func set(_ value: Int64) {}
  func set(_ value: Double) {}
  func record(_ value: Int64) {}
  func record(_ value: Double) {}
  func recordNanoseconds(_ duration: Int64) {}
  func reset() {}
}
