/// How long the batches of one account and model take, as far as it is known.
public struct BatchTurnaround: Hashable, Sendable {
  /// From the create until every result is home.
  public var run: DurationQuantiles
  /// From a cancel until every result is home.
  public var cancel: DurationQuantiles

  public init(run: DurationQuantiles, cancel: DurationQuantiles) {
    self.run = run
    self.cancel = cancel
  }

  /// What is taken for true before batches have taught better: the typical one in the time given, and every one within the
  /// completion window.
  public init(typical: Duration, window: Duration, cancel: Duration) {
    run = DurationQuantiles(half: min(typical, window), ninety: window, ninetyNine: window)
    self.cancel = DurationQuantiles(half: cancel, ninety: cancel, ninetyNine: cancel)
  }

  /// What past batches say.
  public init(learnedFrom batches: [BatchRun], start: BatchTurnaround) {
    run = DurationQuantiles(of: batches.map(\.run), start: start.run)
    cancel = DurationQuantiles(of: batches.compactMap(\.cancel), start: start.cancel)
  }
}

/// When a batch began and ended.
public struct BatchRun: Hashable, Sendable {
  public var submittedAt: Timestamp
  /// When we cancelled it, if we did.
  public var cancelledAt: Timestamp?
  /// When its last result was home; of one that is not over, now.
  public var endedAt: Timestamp
  public var isOver: Bool

  public init(submittedAt: Timestamp, cancelledAt: Timestamp? = nil, endedAt: Timestamp, isOver: Bool = true) {
    self.submittedAt = submittedAt
    self.cancelledAt = cancelledAt
    self.endedAt = endedAt
    self.isOver = isOver
  }

  /// A cancel cuts off what it would have taken.
  var run: DurationSample {
    let end = cancelledAt ?? endedAt
    return DurationSample(max(.zero, end - submittedAt), isCut: cancelledAt != nil || !isOver)
  }

  /// Nil for one that was not cancelled.
  var cancel: DurationSample? {
    cancelledAt.map { DurationSample(max(.zero, endedAt - $0), isCut: !isOver) }
  }
}
