import BatchCore
import Ledger

/// Decides how many rows of each tenant a claim gets. Pure.
///
/// A turn pays for the largest of the rows in view, so that every tenant gets something in its turn. That is coarse; the
/// order in which the claimed rows are sent is finer.
struct ParkedTurns {
  /// What a tenant may owe or save up.
  static let bound: Int64 = 1 << 20

  private var robin: DeficitRoundRobin<String, Int64>
  private var names: [String] = []
  private let hasMore: Bool

  /// Whether there may be more that may be sent now.
  var isMore: Bool { hasMore || !robin.isEmpty }

  /// - Parameter tenants: In the order of the ring, from where the turns stand.
  init(_ tenants: [ParkedTenant], _ claim: ParkedClaim, turn: ParkedTurn) {
    let largest = tenants.lazy.flatMap(\.rows).map { CallCost.of(tokens: $0.tokens) }.max() ?? CallCost.floor
    hasMore = tenants.contains(where: \.hasMore)
    robin = DeficitRoundRobin(quantum: largest, bound: Self.bound)
    for tenant in tenants where !tenant.rows.isEmpty {
      names.append(tenant.name)
      for row in tenant.rows {
        robin.append(
          row.id, to: tenant.name, weight: claim.weights[tenant.name], cost: CallCost.of(tokens: row.tokens))
      }
      let credit = tenant.deficit.subtractingReportingOverflow(claim.corrections[tenant.name] ?? 0)
      robin.resume(
        tenant.name, credit: credit.overflow ? 0 : credit.partialValue,
        hasTurn: turn.hasBegun && tenant.name == turn.tenant && names.count == 1)
    }
  }

  mutating func take(_ limit: Int) -> [Int64] {
    var ids: [Int64] = []
    while ids.count < limit, let id = robin.popFirst() { ids.append(id) }
    return ids
  }

  /// What is to be kept of each tenant in view. One of which nothing is left has saved nothing up.
  var deficits: [String: Int64] {
    Dictionary(names.map { ($0, robin.credit(of: $0)) }, uniquingKeysWith: { first, _ in first })
  }

  /// Where the turns stand; nil when nothing is left in view.
  var next: ParkedTurn? {
    robin.turn.map { ParkedTurn(tenant: $0.flow, hasBegun: $0.hasBegun) }
  }
}
