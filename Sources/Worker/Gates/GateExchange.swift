import BatchCore
import Ledger
import Logging

/// Tells the ledger what this replica's calls have seen, and fetches what it may do.
struct GateExchange: Sendable {
  let context: WorkerContext
  /// Called when there may be more to send.
  let onGrant: @Sendable () -> Void
  private static let pause = Duration.milliseconds(200)

  /// Runs until the task is cancelled. Does nothing where the ledger is not shared.
  func run() async {
    guard context.ledger.isShared else { return }
    let gates = context.gates
    while !Task.isCancelled {
      let now = context.time.monotonic()
      let (reports, next) = gates.due(now: now)
      if reports.isEmpty {
        if let next {
          _ = await gates.wanted.wait(upTo: max(.milliseconds(1), next - now), context.time)
        } else {
          await gates.wanted.wait()
        }
        continue
      }
      do throws(LedgerError) {
        let grants = try await context.ledger.exchange(reports)
        gates.granted(reports, grants, now: context.time.monotonic())
        onGrant()
      } catch {
        // Whatever else asks the ledger says on the health board that it is away; nothing is granted until it is back.
        gates.unanswered(reports, now: context.time.monotonic())
        context.logger.debug("Gates cannot be asked", metadata: ["error": "\(error)"])
        guard (try? await context.time.sleep(for: Self.pause)) != nil else { return }
      }
    }
  }
}
