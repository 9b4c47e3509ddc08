/// The samples that share a name: one cell for each set of labels, up to a bound.
struct MetricFamily {
  /// What the samples are; fixed by whoever asks first.
  enum Kind: String {
    case counter, gauge, histogram
    /// Also a counter to the reader, but of another cell.
    case floatingPointCounter

    var text: String { self == .floatingPointCounter ? "counter" : rawValue }
  }

  /// The value of every label of the set that takes what is beyond the bound.
  static let otherValue = "other"

  let kind: Kind
  let help: String
  let bounds: [Double]
  private(set) var cells: [[UInt8]: any MetricCell] = [:]
  private var others: Set<[UInt8]> = []

  init(kind: Kind, help: String, bounds: [Double]) {
    self.kind = kind
    self.help = help
    self.bounds = bounds
  }

  /// The cell for a set of labels, and whether it stands for others too since the bound was reached.
  ///
  /// Where there is no label there is one cell, so the bound never applies.
  mutating func cell(_ pairs: [(String, String)], bound: Int) -> (cell: any MetricCell, isOther: Bool) {
    let labels = PrometheusText.labels(pairs)
    if let cell = cells[labels] { return (cell, others.contains(labels)) }
    if pairs.isEmpty || cells.count - others.count < bound {
      let cell = makeCell()
      cells[labels] = cell
      return (cell, false)
    }
    let other = PrometheusText.labels(pairs.map { ($0.0, Self.otherValue) })
    if let cell = cells[other] { return (cell, true) }
    let cell = makeCell()
    // Even the names of labels might differ without end.
    if others.count < bound {
      others.insert(other)
      cells[other] = cell
    }
    return (cell, true)
  }

  /// Puts in a cell without labels that is kept elsewhere too.
  mutating func insert(_ cell: any MetricCell) {
    cells[[]] = cell
  }

  mutating func remove(_ cell: AnyObject) {
    guard let labels = cells.first(where: { $0.value === cell })?.key, !others.contains(labels) else { return }
    cells[labels] = nil
  }

  private func makeCell() -> any MetricCell {
    switch kind {
    case .counter: CounterCell()
    case .floatingPointCounter: FloatingPointCounterCell()
    case .gauge: GaugeCell()
    case .histogram: HistogramCell(bounds: bounds)
    }
  }
}
