import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// Ends deliveries whose replies are confirmed, or whose requests the ledger has: acks them, or has poison dead-lettered.
///
/// Where the broker would destroy poison instead of moving it, this publishes it. That goes on apart from the replies, so
/// that dead letters which nobody takes hold nothing up.
final class DeliverySettler: Sendable {
  private let context: WorkerContext
  private let sink: any ReplySink
  private let acks: AckTracker
  private let encoder: ReplyEncoding
  private let faults: ExchangeFaults
  /// Bounded by the prefetch: each is an unacked delivery.
  private let burials = Locked([Burial]())
  private let ready = Signal()
  /// Dead letters that are not confirmed.
  let burying = Latch()

  private struct Burial: Sendable {
    var held: HeldDeliveries.Held
    var letter: OutboundMessage
  }

  init(context: WorkerContext, sink: any ReplySink, acks: AckTracker, faults: ExchangeFaults) {
    self.context = context
    self.sink = sink
    self.acks = acks
    encoder = ReplyEncoding(configuration: context.configuration)
    self.faults = faults
  }

  func settle(_ deliveries: [HeldDeliveries.Held]) {
    var ended: [(HeldDeliveries.Held, Settlement.Verdict)] = []
    for held in deliveries {
      guard let poison = held.poison else {
        ended.append((held, .ack))
        continue
      }
      context.metrics.deadLetter(poison.failure.code)
      guard context.configuration.publishesPoison(held.source.lane) else {
        ended.append((held, .discard))
        continue
      }
      let letter = encoder.deadLetter(of: poison.delivery, failure: poison.failure)
      burying.enter()
      burials.withLock { $0.append(Burial(held: held, letter: letter)) }
      ready.raise()
    }
    end(ended)
  }

  /// Each source is told once, since telling it wakes a thread.
  private func end(_ deliveries: [(held: HeldDeliveries.Held, verdict: Settlement.Verdict)]) {
    for (_, group) in Dictionary(grouping: deliveries, by: { $0.held.source.lane }) {
      guard let source = group.first?.held.source else { continue }
      source.settle(group.map { Settlement($0.held.token, $0.verdict) })
      acks.acked(group.filter(\.held.isFingerprint).map { ($0.held.id, $0.held.token) }, from: source)
    }
  }

  /// Publishes poison until the task is cancelled.
  func run() async {
    var waiting: [Burial] = []
    var delay = Duration.milliseconds(100)
    while !Task.isCancelled {
      waiting += burials.withLock { burials in
        defer { burials = [] }
        return burials
      }
      if waiting.isEmpty {
        delay = .milliseconds(100)
        await ready.wait()
        continue
      }
      waiting = await bury(waiting)
      if waiting.isEmpty { continue }
      guard (try? await context.time.sleep(for: delay)) != nil else { return }
      delay = min(delay * 2, .seconds(5))
    }
  }

  /// Returns what is to be published again.
  private func bury(_ burials: [Burial]) async -> [Burial] {
    let letters = burials.map(\.letter)
    let outcomes = await faults.publish(letters) { sent in await abandoning { [sink] in await sink.publish(sent) } }
    var again: [Burial] = []
    for (index, burial) in burials.enumerated() {
      switch outcomes[index] {
      case .confirmed:
        context.health.clear(.broker("dead-letters"))
        end([(burial.held, .ack)])
        burying.leave()
      case .returned(_, let text):
        // Nobody would have it: it waits unacked for a queue to be bound.
        context.health.report(
          .broker("dead-letters"), "dead letters wait: no queue is bound to '\(burial.letter.exchange)' (\(text))")
        again.append(burial)
      case .rejected where outcomes[index].exchangeFault != nil: again.append(burial)
      case .rejected(_, let text):
        // Left unacked: acking it would lose it.
        context.logger.error(
          "A poison message cannot be dead-lettered and stays unacked", metadata: ["reason": "\(text)"])
        burying.leave()
      case .refused, .unknown: again.append(burial)
      }
    }
    return again
  }
}
