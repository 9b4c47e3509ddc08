import BatchCore
import Logging
import Threading

/// Accounts that turned out to have no native batches, so that what is deferred is sent by paced calls.
///
/// Forgotten with the process, and after a day, since accounts are upgraded: the next batch teaches it again, and nothing
/// is lost or paid by that.
final class BatchAbsence: Sendable {
  private let learned = Locked([String: Timestamp]())
  private let time: any Timekeeper
  private let metrics: WorkerMetrics
  private let logger: Logger
  private static let trust = Duration.seconds(86_400)

  init(time: any Timekeeper, metrics: WorkerMetrics, logger: Logger) {
    self.time = time
    self.metrics = metrics
    self.logger = logger
  }

  func holds(for account: String) -> Bool {
    let now = time.monotonic()
    return learned.withLock { learned in learned[account].map { now - $0 < Self.trust } ?? false }
  }

  /// The provider has said that there is no such endpoint.
  func learn(of provider: any Provider, _ error: ProviderError) {
    let now = time.monotonic()
    let isNew = learned.withLock { learned in
      let before = learned.updateValue(now, forKey: provider.account)
      return before.map { now - $0 >= Self.trust } ?? true
    }
    guard isNew else { return }
    metrics.batch(provider: provider.name, event: "unsupported")
    logger.notice(
      "The account has no batch endpoint: deferred requests are sent as synchronous calls at list price",
      metadata: ["provider": "\(provider.name)", "answer": "\(error.message)"])
  }
}
