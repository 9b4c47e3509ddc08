package import BatchCore
package import Ledger

/// Claiming parked rows: tenants take turns by deficit round robin, and whoever claims goes on where the last one stopped.
///
/// The tenants' names are the ring. A claim walks a part of it from where the turns stand, so that it costs what it takes,
/// whatever is parked and by how many.
extension LedgerTables {
  package func takeParked(_ claim: ParkedClaim, at now: Timestamp) throws -> TakenCalls {
    guard claim.limit > 0 else { return TakenCalls(calls: [], isMore: true) }
    guard let turn = try parkedTurn(of: claim.line) else { return TakenCalls(calls: [], isMore: true) }
    let (ring, next) = try ring(claim, from: turn, at: now)
    var turns = ParkedTurns(ring.filter { !claim.passing.contains($0.name) }, claim, turn: turn)
    let ids = turns.take(claim.limit)
    let calls = ids.isEmpty ? [] : try claimParked(ids, of: claim.line)
    let deficits = turns.deficits
    let corrections = claim.corrections.filter { $0.value != 0 && deficits[$0.key] == nil }
    if !corrections.isEmpty { try correctDeficits(corrections, bound: ParkedTurns.bound, of: claim.line) }
    try setDeficits(deficits, of: claim.line)
    let after = turns.next ?? next
    if after != turn { try setParkedTurn(after, of: claim.line) }
    if after.tenant < turn.tenant { try dropDeficits(of: claim.line) }
    return TakenCalls(calls: calls, isMore: turns.isMore || next != .start)
  }

  /// The part of the ring that a claim looks at, and where the turns stand when all of it was taken.
  private func ring(
    _ claim: ParkedClaim, from turn: ParkedTurn, at now: Timestamp
  ) throws -> (tenants: [ParkedTenant], next: ParkedTurn) {
    let most = claim.limit + claim.passing.count + Self.idleTenants
    // One more, which is where the next claim goes on.
    var walk = ParkedWalk(
      line: claim.line, from: turn.tenant, below: nil, limit: most + 1,
      rows: 2 * claim.limit * claim.weights.largest, dueBy: now)
    var found = try parkedTenants(walk)
    if found.count <= most, !turn.tenant.isEmpty {
      walk.from = ""
      walk.below = turn.tenant
      walk.limit = most + 1 - found.count
      found += try parkedTenants(walk)
    }
    guard found.count > most, let last = found.popLast() else { return (found, .start) }
    return (found, ParkedTurn(tenant: last.name, hasBegun: false))
  }

  /// How many tenants a claim passes that have parked rows but none that may be sent.
  private static var idleTenants: Int { 8 }
}
