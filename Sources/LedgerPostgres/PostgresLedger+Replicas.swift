public import BatchCore
public import Ledger
import LedgerRules

/// What replicas that share the ledger need of each other.
extension PostgresLedger {
  public var isShared: Bool { true }

  public func leaseLeft() -> Duration? { lease.left() }

  /// The server's time, which all replicas share; nil until it was heard of.
  public func serverTime() -> Timestamp? { lease.now() }

  public func leaseLost() async { await lease.loss() }

  public func takeOver(at now: Timestamp) async throws(LedgerError) -> TakenOver {
    try await commits.perform(rows: 1) { [lease] in try $0.takeOver(mayJudge: lease.mayJudge(), at: now) }
  }

  public func progress(of rows: [RequestID]) async throws(LedgerError) -> [RequestProgress] {
    if rows.isEmpty { return [] }
    return try await self.rows.read { try $0.progress(of: rows) }
  }

  public func runWindows(_ keys: [WindowKey]) async throws(LedgerError) -> Set<WindowKey> {
    if keys.isEmpty { return [] }
    return try await commits.perform(rows: keys.count) { try $0.runWindows(keys) }
  }

  public func offer(_ rows: [(key: WindowKey, rows: [RequestID])]) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { session in
      try session.statements().windows.offer(rows.map { (key: $0.key.text, rows: $0.rows.map(\.rawValue)) })
    }
  }

  public func exchange(_ reports: [GateReport]) async throws(LedgerError) -> [PaceGrant] {
    if reports.isEmpty { return [] }
    let replica = replica
    return try await gates.read { statements in
      try reports.map { try statements.exchange($0, replica: replica) }
    }
  }

  public func openBreakers(of keys: [GateKey]?) async throws(LedgerError) -> [OpenBreaker] {
    try await gates.read { try $0.openBreakers(of: keys) }
  }

  public func closeBreakers(_ keys: [GateKey]) async throws(LedgerError) {
    try await gates.read { statements in for key in keys { try statements.closeBreaker(key) } }
  }

  public func reroute(_ rows: [RequestID], to route: Route) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { try $0.reroute(rows, to: route) }
  }

  public func offeredRows() async throws(LedgerError) -> [AcceptedRow] {
    let replica = replica
    guard try await rows.read({ try $0.hasOffers(replica) }) else { return [] }
    let ids = try await commits.perform(rows: 1) { try $0.statements().windows.takeOffers(to: $0.replica) }
    if ids.isEmpty { return [] }
    return try await rows.read { try $0.acceptedRows(ids) }
  }
}
