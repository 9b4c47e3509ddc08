import BatchCore
import Ledger

extension WorkerContext {
  /// Keeps what a batch taught about the limits of its account, for all replicas, and wakes those who wait for them.
  @discardableResult
  func learn(_ lesson: BatchLesson, from batch: BatchRecord) async -> BatchStanding? {
    let random = random()
    let standing = await retry("keep what a batch taught") { () async throws(LedgerError) in
      try await ledger.learn(lesson, from: batch, random: random, at: time.now())
    }
    if let standing { room.saw(standing, provider: batch.key.provider) }
    places.changed(by: batch)
    return standing
  }
}
