public import Ledger

/// What an operator sees of breakers, and does about them.
extension Worker {
  /// Those that are not closed: of all replicas, where they share a ledger.
  public func openBreakers() async throws(LedgerError) -> [OpenBreaker] {
    let found =
      context.ledger.isShared
      ? try await context.ledger.openBreakers(of: nil) : context.gates.openBreakers(now: context.time.monotonic())
    return found.sorted { ($0.key.account, $0.key.model) < ($1.key.account, $1.key.model) }
  }

  /// Takes an operator's word that what had opened them is seen to: for all replicas, where they share a ledger. What waits
  /// goes on at once, on others within seconds.
  public func closeBreakers(_ breakers: [OpenBreaker]) async throws(LedgerError) {
    if context.ledger.isShared { try await context.ledger.closeBreakers(breakers.map(\.key)) }
    context.gates.closeBreakers(breakers)
  }
}
