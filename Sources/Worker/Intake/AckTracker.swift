import BatchCore
import Ledger
import Threading
import Wire

/// Learns which acks the broker has processed. An ack is not acknowledged, so after a cut a message that was acked may
/// come again; where only a fingerprint tells messages apart the ledger must know until when that can be.
final class AckTracker: Sendable {
  /// A channel of a lane.
  private struct Channel: Hashable {
    var lane: Lane
    var generation: UInt64
  }

  private struct Pending {
    var rows: [RequestID] = []
    var source: any DeliverySource
  }

  private let context: WorkerContext
  private let pending = Locked([Channel: Pending]())
  private let ready = Signal()
  /// Acks are collected this long before one barrier covers them. Short: of two equal messages that are on their way at a cut,
  /// one whose ack is not known to be processed would answer for the other.
  private static let interval = Duration.milliseconds(20)

  init(context: WorkerContext) {
    self.context = context
  }

  /// Bounded by what is taken in meanwhile: more only keeps rows marked a little longer.
  func acked(_ rows: [(id: RequestID, token: DeliveryToken)], from source: any DeliverySource) {
    if rows.isEmpty { return }
    pending.withLock { pending in
      for row in rows {
        let channel = Channel(lane: source.lane, generation: row.token.generation)
        pending[channel, default: Pending(source: source)].rows.append(row.id)
      }
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
    let channels = pending.withLock { pending in
      let taken = pending
      pending = [:]
      return taken
    }
    // At once, so that a lane whose broker is silent keeps none of the other's rows marked.
    await withDiscardingTaskGroup { group in
      for (channel, pending) in channels {
        group.addTask {
          // After a failed barrier the rows stay marked: their messages may come again.
          let source = pending.source
          guard await abandoning({ await source.barrier(of: channel.generation) }) == true else { return }
          _ = await abandoning { try? await self.context.ledger.acknowledged(pending.rows) }
        }
      }
    }
  }
}
