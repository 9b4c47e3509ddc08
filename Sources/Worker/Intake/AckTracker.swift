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

  private struct State {
    var pending: [Channel: Pending] = [:]
    /// Channels whose barrier is on its way.
    var asked: Set<Channel> = []
  }

  private let context: WorkerContext
  private let state = Locked(State())
  private let ready = Signal()
  /// Barriers and what follows from them.
  private let onTheirWay = Latch()
  /// Acks are collected this long before one barrier covers them. Short: of two equal messages that are on their way at a cut,
  /// one whose ack is not known to be processed would answer for the other.
  private static let interval = Duration.milliseconds(20)

  init(context: WorkerContext) {
    self.context = context
  }

  /// Bounded by what is taken in meanwhile: more only keeps rows marked a little longer.
  func acked(_ rows: [(id: RequestID, token: DeliveryToken)], from source: any DeliverySource) {
    if rows.isEmpty { return }
    state.withLock { state in
      for row in rows {
        let channel = Channel(lane: source.lane, generation: row.token.generation)
        state.pending[channel, default: Pending(source: source)].rows.append(row.id)
      }
    }
    ready.raise()
  }

  func run() async {
    await withDiscardingTaskGroup { group in
      while await ready.wait(), !Task.isCancelled {
        try? await context.time.sleep(for: Self.interval)
        for (channel, pending) in next() { group.addTask { await self.confirm(pending, of: channel) } }
      }
    }
  }

  func close() { ready.close() }

  /// Returns when everything that was acked before is confirmed and noted, or cannot be.
  func flush() async {
    repeat {
      await withDiscardingTaskGroup { group in
        for (channel, pending) in next() { group.addTask { await self.confirm(pending, of: channel) } }
      }
      await onTheirWay.wait()
    } while !Task.isCancelled && state.withLock { !$0.pending.isEmpty }
  }

  /// What one barrier for each channel will cover. A channel that has not answered the last one is left out: it keeps none
  /// of the others waiting.
  private func next() -> [(Channel, Pending)] {
    state.withLock { state in
      let taken = state.pending.filter { !state.asked.contains($0.key) }
      for channel in taken.keys {
        state.pending[channel] = nil
        state.asked.insert(channel)
        onTheirWay.enter()
      }
      return taken.map { ($0.key, $0.value) }
    }
  }

  private func confirm(_ pending: Pending, of channel: Channel) async {
    let source = pending.source
    let isProcessed = await abandoning { await source.barrier(of: channel.generation) }
    let hasMore = state.withLock { state in
      state.asked.remove(channel)
      return state.pending[channel] != nil
    }
    // The next barrier does not wait for the ledger. What waits there is bounded by what the ledger took in.
    if hasMore { ready.raise() }
    // After a failed barrier the rows stay marked: their messages may come again.
    if isProcessed == true { _ = await abandoning { try? await self.context.ledger.acknowledged(pending.rows) } }
    onTheirWay.leave()
  }
}
