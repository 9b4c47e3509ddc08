import BatchCore
import Ledger
import Logging
import Threading

/// Batches that wait for room at their account. Who may go is decided in the ledger, against all replicas; this wakes them
/// when something has changed here.
final class PlaceQueue: Sendable {
  private struct Key: Hashable {
    var account: String
    var model: String
  }

  private struct Waiter {
    var signal: Signal
    var text: String
  }

  private let waiting = Locked([Key: [Int64: Waiter]]())
  private let health: HealthBoard
  private let logger: Logger

  init(health: HealthBoard, logger: Logger) {
    self.health = health
    self.logger = logger
  }

  private static func key(_ batch: BatchRecord) -> Key { Key(account: batch.account, model: batch.key.model) }

  /// The batch waits: the signal wakes it. What it waits for shows on the health board as it is now, and once in the log.
  func enter(
    _ batch: BatchRecord, _ wait: BatchAdmission.Wait, _ standing: BatchStanding, _ limits: BatchLimits
  ) -> Signal {
    let text = Self.text(batch, wait, standing, limits)
    let (signal, isNew) = waiting.withLock { waiting -> (Signal, Bool) in
      let known = waiting[Self.key(batch)]?[batch.id.rawValue]?.signal
      let signal = known ?? Signal()
      waiting[Self.key(batch), default: [:]][batch.id.rawValue] = Waiter(signal: signal, text: text)
      return (signal, known == nil)
    }
    show(batch)
    if isNew { logger.info("Batch waits: \(text)", metadata: ["batch": "\(batch.label)"]) }
    return signal
  }

  func leave(_ batch: BatchRecord) {
    waiting.withLock { waiting in
      waiting[Self.key(batch)]?[batch.id.rawValue] = nil
      if waiting[Self.key(batch)]?.isEmpty ?? false { waiting[Self.key(batch)] = nil }
    }
    show(batch)
  }

  /// The reason of the one that is first: the others wait for it.
  private func show(_ batch: BatchRecord) {
    let part = HealthBoard.Part.room(provider: batch.key.provider, model: batch.key.model)
    let text = waiting.withLock { waiting in
      waiting[Self.key(batch)]?.min { $0.key < $1.key }?.value.text
    }
    if let text { health.report(part, text) } else { health.clear(part) }
  }

  /// A batch of the account has ended or got its place: those who wait may ask again. Batches of other models share the
  /// creates only, whose time is known.
  func changed(by batch: BatchRecord) {
    let signals = waiting.withLock { $0[Self.key(batch)].map { $0.values.map(\.signal) } ?? [] }
    for signal in signals { signal.raise() }
  }

  private static func text(
    _ batch: BatchRecord, _ wait: BatchAdmission.Wait, _ standing: BatchStanding, _ limits: BatchLimits
  ) -> String {
    let what = "batches of \(batch.key.model) at \(batch.key.provider)"
    let cap = standing.lessons.cap(limits).map { " of \($0)" } ?? ""
    return switch wait {
    case .enqueuedTokens:
      "\(what) wait for enqueued tokens: \(standing.usage.enqueuedTokens)\(cap) are in unfinished batches"
    case .turn: "\(what) wait behind others that were planned before"
    case .refusal: "\(what) wait after a refusal for enqueued tokens: for one that ends, or some minutes"
    case .createsPerHour: "\(what) wait since \(standing.usage.creates) batches were created within an hour"
    }
  }
}
