import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// Has the ledger end marks that nothing can come for any more (see `MarkExpiry`), a little at a time.
final class MarkKeeper: Sendable {
  private let context: WorkerContext
  private let expiries = Locked([Lane.interactive: MarkExpiry(), .deferred: MarkExpiry()])
  private static let interval = Duration.seconds(60)
  /// Marks of one round: what is beyond has the next.
  private static let limit = 4096
  /// Marks of one commit: others wait for it.
  private static let step = 500
  private static let pause = Duration.milliseconds(100)

  init(context: WorkerContext) {
    self.context = context
  }

  /// Deliveries came from the lane's queue, in this order.
  func arrived(_ deliveries: [Delivery], of lane: Lane, at now: Timestamp) {
    guard let generation = deliveries.last?.token.generation else { return }
    let redelivered = deliveries.count(where: \.redelivered)
    let fresh = deliveries.count { !$0.redelivered && $0.token.generation == generation }
    expiries.withLock {
      $0[lane]?.arrived(on: generation, fresh: fresh, redelivered: redelivered, at: now)
    }
  }

  /// They are in the ledger, or never will be as these deliveries.
  func taken(_ deliveries: [Delivery], of lane: Lane) {
    let redelivered = deliveries.count(where: \.redelivered)
    if redelivered > 0 { expiries.withLock { $0[lane]?.taken(redelivered: redelivered) } }
  }

  func run() async {
    while (try? await context.time.sleep(for: Self.interval)) != nil {
      for lane in [Lane.interactive, .deferred] {
        switch expiries.withLock({ $0[lane]?.step(at: context.time.monotonic()) }) {
        case nil: break
        case .read: await read(lane)
        case .remove(let marks): await remove(marks, of: lane)
        }
      }
    }
  }

  private func read(_ lane: Lane) async {
    var marks: [AckMark]?
    do throws(LedgerError) {
      marks = try await context.ledger.marks(of: lane, limit: Self.limit)
    } catch {
      // It can wait: whatever is wrong with the ledger shows elsewhere.
      context.logger.debug("Marks of lost acks are not looked at", metadata: ["error": "\(error)"])
    }
    expiries.withLock { [marks] in $0[lane]?.found(marks) }
  }

  private func remove(_ marks: [AckMark], of lane: Lane) async {
    context.logger.debug("Marks of lost acks end", metadata: ["lane": "\(lane)", "marks": "\(marks.count)"])
    for start in stride(from: 0, to: marks.count, by: Self.step) {
      do throws(LedgerError) {
        try await context.ledger.removeMarks(Array(marks[start..<min(start + Self.step, marks.count)]))
      } catch {
        // The next round finds them again.
        context.logger.debug("Marks of lost acks stay", metadata: ["error": "\(error)"])
        return
      }
      guard (try? await context.time.sleep(for: Self.pause)) != nil else { return }
    }
  }
}
