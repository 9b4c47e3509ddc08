import BatchCore
import Ledger
import Logging

/// Has the ledger keep how providers count, and recalls it at the start: a new process begins with what was learned.
struct RatioKeeper: Sendable {
  let context: WorkerContext
  private static let interval = Duration.seconds(60)

  func run() async {
    await recall()
    while !Task.isCancelled {
      guard (try? await context.time.sleep(for: Self.interval)) != nil else { return }
      await keep()
    }
  }

  private func recall() async {
    // What cannot be read now is learned anew; an outage shows elsewhere.
    guard let standings = try? await context.ledger.standings(at: context.time.now()) else { return }
    for standing in standings where !standing.model.isEmpty && standing.lessons.ratio != 1 {
      context.gates.recall(model: standing.model, inputRatio: standing.lessons.ratio)
    }
  }

  private func keep() async {
    let measures = context.gates.takeMeasures()
    if measures.isEmpty { return }
    do throws(LedgerError) {
      try await context.ledger.learn(measures, at: context.time.now())
    } catch {
      // The next minute brings as much again.
      context.logger.debug("What was learned of token counts is not kept", metadata: ["error": "\(error)"])
    }
  }
}
