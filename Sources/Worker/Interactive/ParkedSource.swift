import BatchCore
import Ledger

/// Takes parked requests out of the ledger when they may be sent.
struct ParkedSource: Sendable {
  let context: WorkerContext

  struct Taken: Sendable {
    var calls: [ParkedCall] = []
    /// When to look again; nil if nothing is parked.
    var askAgain: Duration?
  }

  /// - Parameter room: Whether a route can take work now.
  func take(room: (Route) -> Bool, limit: Int) async -> Taken {
    var taken = Taken()
    let routes = await context.retry("look for parked requests") { () async throws(LedgerError) in
      try await context.ledger.parkedRoutes().map { ParkedRoute(route: $0.route, notBefore: $0.notBefore) }
    }
    let now = context.time.now()
    // A route whose provider is not configured any more waits in the ledger until it is.
    for parked in routes ?? [] where context.providers[parked.route.provider] != nil {
      guard parked.notBefore <= now else {
        taken.askAgain = min(taken.askAgain ?? .seconds(3600), parked.notBefore - now)
        continue
      }
      // A call that ends makes room, and says so; the second is the net.
      taken.askAgain = min(taken.askAgain ?? .seconds(1), .milliseconds(200))
      guard room(parked.route) else { continue }
      let calls = await context.retry("take parked requests") { () async throws(LedgerError) in
        try await context.ledger.takeParked(
          provider: parked.route.provider, model: parked.route.model, limit: limit, at: now)
      }
      taken.calls += calls ?? []
    }
    return taken
  }

  private struct ParkedRoute: Sendable {
    var route: Route
    var notBefore: Timestamp
  }
}
