package import BatchCore
package import Ledger
package import Wire

/// What a new row gets that its delivery does not say.
package struct RowSeed {
  package var id: Int64
  package var ordinal: Int64
  package var kind: RowKind
  package var state: RowState
  package var custody: Custody
  package var ledgerID: LedgerID
  package var leaderID: Int64?
  /// Whether this process claims it.
  package var isClaim = false
  package var attemptNumber = 0
  package var failure: Failure?
  package var completedAt: Timestamp?
  package var replayed = false

  /// What the ledger was given before it was sent was deferred; for the rest somebody waits.
  package var callClass: CallClass { custody == .ledger ? .deferred : .interactive }

  /// The flags of the row.
  package func flags(_ request: NewRequest) -> RowFlags {
    let envelope = request.envelope
    var flags: RowFlags = envelope.correlationGenerated ? .correlationGenerated : []
    if envelope.noReply { flags.insert(.noReply) }
    flags.insert(.queue(request.queue))
    if replayed { flags.insert(.replayed) }
    return flags
  }
}
