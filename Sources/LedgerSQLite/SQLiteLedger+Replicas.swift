public import BatchCore
public import Ledger
import LedgerRules
import Threading

/// One process has the file, so nothing is shared and nothing is lost to another.
extension SQLiteLedger {
  public var isShared: Bool { false }

  public func leaseLeft() -> Duration? { nil }

  public func leaseLost() async {
    while !Task.isCancelled { try? await Task.sleep(for: .seconds(86_400)) }
  }

  public func takeOver(at now: Timestamp) async throws(LedgerError) -> TakenOver {
    var taken = TakenOver()
    guard !hasTakenOver.withLock({ $0 }) else { return taken }
    // What the process before had claimed went back when the file was opened.
    taken.batches = try await openBatches()
    taken.replies = true
    taken.parked = true
    taken.windows = true
    hasTakenOver.withLock { $0 = true }
    return taken
  }

  public func progress(of rows: [RequestID]) async throws(LedgerError) -> [RequestProgress] {
    // This process learns of every end by itself.
    rows.map { _ in .underway }
  }

  public func runWindows(_ keys: [WindowKey]) async throws(LedgerError) -> Set<WindowKey> { Set(keys) }

  public func offer(_ rows: [(key: WindowKey, rows: [RequestID])]) async throws(LedgerError) {}

  public func offeredRows() async throws(LedgerError) -> [AcceptedRow] { [] }

  public func exchange(_ reports: [GateReport]) async throws(LedgerError) -> [PaceGrant] {
    throw isAlone
  }

  public func openBreakers(of keys: [GateKey]?) async throws(LedgerError) -> [OpenBreaker] { throw isAlone }

  public func closeBreakers(_ keys: [GateKey]) async throws(LedgerError) { throw isAlone }

  /// Its process decides about gates by itself.
  private var isAlone: LedgerError { LedgerError(.invalid, "ledger \(path) has no gates that are shared") }

  public func reroute(_ rows: [RequestID], to route: Route) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { session in
      for row in rows { try session.reroute(row, to: route) }
    }
  }
}
