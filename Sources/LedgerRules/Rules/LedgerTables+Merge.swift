import BatchCore
package import Ledger
import Wire

/// Requests that one call answers though they have identities of their own: a row that leads its identity may follow another
/// identity's call.
extension LedgerTables {
  /// Takes in a request that may share the call of another. Nil where what is known of its identity decides.
  func admitMergeable(_ request: NewRequest, _ key: CallKey, at now: Timestamp) throws -> Admission? {
    guard let mergeKey = request.mergeKey else { return nil }
    let isFingerprint = request.envelope.identity.kind == .fingerprint
    if isFingerprint, request.redelivered { return nil }
    let latest = try latestOrdinal(key)
    // Messages that look the same are as many requests; a message that names itself is one.
    guard isFingerprint || latest == nil else { return nil }
    let generation = latest.map { Ordinal.generation($0) + 1 } ?? 0
    guard let leader = try mergeable(mergeKey) else {
      return try insertFirst(request, generation: generation, at: now)
    }
    let ordinal = Ordinal.leader(generation)
    let base = request.envelope.ledgerID
    let seed = RowSeed(
      id: try makeID(), ordinal: ordinal, kind: .subscriber, state: .following, custody: .ledger,
      ledgerID: generation == 0 ? base : base.mixed(with: ordinal), leaderID: leader)
    guard try insert(request, seed) else { return nil }
    return Admission(id: RequestID(seed.id), ledgerID: seed.ledgerID, kind: .inFlight, custody: .ledger)
  }

  /// Whether nothing is left of its answer, which is its call's.
  func isForgotten(_ row: StoredRow) throws -> Bool {
    guard row.kind == .subscriber, row.state == .finished else { return row.isForgotten }
    return try leader(of: row.id)?.isForgotten ?? true
  }

  /// What other subscribers of this row's identity follow, at this row's place.
  func call(of row: StoredRow) throws -> StoredRow {
    guard row.kind == .subscriber, var call = try leader(of: row.id) else { return row }
    call.ordinal = row.ordinal
    return call
  }
}

extension NewRequest {
  package var mergeKey: MergeKey? {
    guard case .call(let call) = content else { return nil }
    return call.mergeKey
  }
}
