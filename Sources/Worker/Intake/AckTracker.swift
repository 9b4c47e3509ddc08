import BatchCore
import Ledger
import Threading

/// Learns which acks the broker has processed. An ack is not acknowledged, so after a cut a message that was acked may
/// come again; where only a fingerprint tells messages apart the ledger must know until when that can be.
final class AckTracker: Sendable {
  private struct Pending {
    var rows: [RequestID] = []
    var source: (any DeliverySource)?
  }

  private let context: WorkerContext
  private let pending = Locked([Lane: Pending]())
  private let ready = Signal()
  /// Acks are collected this long before one barrier covers them.
  private static let interval = Duration.seconds(1)

  init(context: WorkerContext) {
    self.context = context
  }

  /// Bounded by a second of intake: more only keeps rows marked a little longer.
  func acked(_ rows: [RequestID], from source: any DeliverySource) {
    if rows.isEmpty { return }
    pending.withLock {
      $0[source.lane, default: Pending()].rows.append(contentsOf: rows)
      $0[source.lane]?.source = source
    }
    ready.raise()
  }

  func run() async {
    while await ready.wait(), !Task.isCancelled {
      try? await context.time.sleep(for: Self.interval)
      await flush()
    }
  }

  func close() { ready.close() }

  func flush() async {
    let lanes = pending.withLock { pending in
      let taken = pending
      pending = [:]
      return taken
    }
    for lane in lanes.values {
      // After a failed barrier the rows stay marked: their messages may come again.
      guard let source = lane.source, await abandoning({ await source.barrier() }) == true else { continue }
      _ = try? await context.ledger.acknowledged(lane.rows)
    }
  }
}
