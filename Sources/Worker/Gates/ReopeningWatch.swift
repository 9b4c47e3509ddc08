import BatchCore
import Ledger

/// Lets what waits for a breaker go on when it has closed: it was told to wait until the next probe, which may be hours away.
struct ReopeningWatch: Sendable {
  let context: WorkerContext
  let windows: WindowKeeper
  let calls: CallDispatcher
  /// So that no commit is long, however much is parked.
  private static let page = 1000

  /// Runs until the task is cancelled.
  func run() async {
    while !Task.isCancelled {
      for key in await context.gates.reopenings.next() {
        for provider in context.providers.values where provider.account == key.account {
          if key.model.isEmpty {
            windows.reopened(provider.name)
          } else {
            await release(Route(provider: provider.name, model: key.model))
          }
        }
      }
    }
  }

  private func release(_ route: Route) async {
    // One moment for all: what is parked anew meanwhile is not taken for what waits.
    let now = context.time.now()
    var isMore = true
    while isMore, !Task.isCancelled {
      let count = await context.retry("let parked requests go on") { () async throws(LedgerError) in
        try await context.ledger.release(route, limit: Self.page, at: now)
      }
      isMore = count == Self.page
      calls.parkedWorkIsReady()
    }
  }
}
