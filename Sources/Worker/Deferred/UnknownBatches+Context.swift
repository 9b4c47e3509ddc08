import BatchCore
import Ledger
import Logging

extension WorkerContext {
  /// Shows a batch whose fate is unknown on the health board and in the gauges, and says so in the log once.
  func isUnknown(_ batch: BatchRecord, _ kind: UnknownBatches.Kind, _ detail: String) {
    let text = "batch \(batch.label): \(detail)"
    health.report(kind.part(batch.label), text)
    let entry = UnknownBatches.Entry(provider: batch.key.provider, kind: kind, since: time.now())
    guard unknown.insert(batch.label, entry) else { return }
    metrics.batch(provider: batch.key.provider, event: kind.rawValue)
    countUnknown()
    logger.error("\(text)")
  }

  /// The batch goes on.
  func isKnown(_ batch: BatchRecord) {
    if unknown.remove(batch.label) { countUnknown() }
    for kind in UnknownBatches.Kind.allCases { health.clear(kind.part(batch.label)) }
  }

  /// The gauges; also called now and then, since the oldest grows older.
  func countUnknown() { metrics.unknown(unknown.all, providers: providers.keys, now: time.now()) }

  /// Waits until the time, and looks meanwhile whether an operator has decided about the batch. Nil when the time has come,
  /// and when the task is cancelled.
  ///
  /// - Parameter known: What is known of it already.
  func resolution(
    of batch: BatchRecord, otherThan known: BatchResolution? = nil, until: Timestamp?
  ) async -> BatchResolution? {
    let begin = time.monotonic()
    while !Task.isCancelled {
      // What cannot be read now is read next time.
      if let found = try? await ledger.resolution(of: batch.id), found != known { return found }
      let now = time.monotonic()
      // An operator is not kept waiting, and a batch that waits for days costs little.
      let interval: Duration = now - begin < .seconds(60) ? .seconds(1) : .seconds(5)
      let left = until.map { $0 - now } ?? interval
      guard left > .zero, (try? await time.sleep(for: min(interval, left))) != nil else { return nil }
    }
    return nil
  }
}

extension UnknownBatches.Kind {
  fileprivate func part(_ label: String) -> HealthBoard.Part {
    switch self {
    case .unknown: .unknownBatch(label)
    case .unreachable: .unreachableBatch(label)
    }
  }
}
