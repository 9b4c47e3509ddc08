import BatchCore
import Ledger
import Logging

/// Has the ledger remove what is kept no longer, a little at a time.
struct RetentionKeeper: Sendable {
  let context: WorkerContext
  /// Requests of one commit: their removal holds up the commits of others.
  private static let step = 500
  private static let pause = Duration.milliseconds(100)
  /// How far the wall clock may run ahead of the time that has passed until it is not believed: what is removed is gone.
  private static let clockSlack = Duration.seconds(3600)

  func run() async {
    let configuration = context.configuration
    let shortest = min(configuration.retention, configuration.bodyRetention)
    let interval = max(.seconds(1), min(.seconds(60), shortest / 20))
    let (start, begin) = (context.time.now(), context.time.monotonic())
    while !Task.isCancelled {
      // Replicas that started together do not stay together.
      let jitter = Backoff.delay(attempt: 1, base: interval / 2, cap: interval, random: context.random())
      guard (try? await context.time.sleep(for: interval + jitter)) != nil else { return }
      let latest = start + (context.time.monotonic() - begin) + Self.clockSlack
      await purge(at: min(context.time.now(), latest))
    }
  }

  private func purge(at now: Timestamp) async {
    let configuration = context.configuration
    while !Task.isCancelled {
      do throws(LedgerError) {
        let purged = try await context.ledger.purge(
          finishedBefore: now + (.zero - configuration.retention),
          bodiesBefore: now + (.zero - configuration.bodyRetention), limit: Self.step)
        context.metrics.purged(purged)
        if purged.requests < Self.step && purged.bodies < Self.step && purged.batches < Self.step { return }
      } catch {
        // It can wait: whatever is wrong with the ledger shows elsewhere.
        context.logger.debug("The retention waits", metadata: ["error": "\(error)"])
        return
      }
      guard (try? await context.time.sleep(for: Self.pause)) != nil else { return }
    }
  }
}
