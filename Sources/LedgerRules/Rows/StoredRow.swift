package import BatchCore
package import Ledger
package import Wire

/// What decisions about a row need to know of it.
package struct StoredRow {
  package var id: Int64
  package var ordinal: Int64
  package var kind: RowKind
  package var state: RowState
  package var custody: Custody
  package var leaderID: Int64?
  /// The epoch of the process that claimed it.
  package var owner: Int64?
  package var attemptNumber: Int
  package var attempts: Int
  package var batchID: Int64?
  /// The attempt that runs in the batch besides those that count on from there.
  package var runningAttempt: Int?
  package var lane: Lane?
  package var ledgerID: LedgerID
  package var bodyHash: SHA256Digest
  package var correlationID: [UInt8]?
  package var replyTo: [UInt8]?
  package var replayNonce: String?
  package var failure: Failure?
  package var hasAnswer: Bool
  /// Whether its answer was dropped: nothing is left to be given again.
  package var isForgotten: Bool
  /// How soon its reply is wanted: whoever published it to the interactive queue waits.
  package var urgency: ReplyUrgency

  package init(
    id: Int64, ordinal: Int64, kind: RowKind, state: RowState, custody: Custody, leaderID: Int64?, owner: Int64?,
    attemptNumber: Int, attempts: Int, batchID: Int64?, runningAttempt: Int?, lane: Lane?, ledgerID: LedgerID,
    bodyHash: SHA256Digest,
    correlationID: [UInt8]?, replyTo: [UInt8]?, replayNonce: String?, failure: Failure?, hasAnswer: Bool,
    flags: RowFlags
  ) {
    self.id = id
    self.ordinal = ordinal
    self.kind = kind
    self.state = state
    self.custody = custody
    self.leaderID = leaderID
    self.owner = owner
    self.attemptNumber = attemptNumber
    self.attempts = attempts
    self.batchID = batchID
    self.runningAttempt = runningAttempt
    self.lane = lane
    self.ledgerID = ledgerID
    self.bodyHash = bodyHash
    self.correlationID = correlationID
    self.replyTo = replyTo
    self.replayNonce = replayNonce
    self.failure = failure
    self.hasAnswer = hasAnswer
    isForgotten = flags.contains(.forgotten)
    urgency = flags.contains(.interactiveQueue) ? .urgent : .bulk
  }

  /// The attempt that it waits for.
  package var currentAttempt: Int { state == .inBatch ? runningAttempt ?? attemptNumber : attemptNumber }

  /// Whether others get this outcome too: a success, or a definite answer of the provider.
  package var isReplayable: Bool {
    state == .finished && !isForgotten && (failure == nil || failure?.code == .providerRejected)
  }

  package func isSubscriber(of envelope: Envelope) -> Bool {
    correlationID == envelope.storedCorrelationID && replyTo == envelope.replyTo
  }
}

extension Envelope {
  /// Nil where it is the ledger id, which the row has already.
  package var storedCorrelationID: [UInt8]? { correlationGenerated ? nil : correlationID }
}

extension FailureCode {
  /// Whether a request that fails with it in our custody may go to the dead letters: it could be sent again by hand.
  package var isDeadLettered: Bool {
    switch self {
    case .deadlineExceeded, .providerUnavailable, .quotaExhausted, .batchExpired, .resultMissing, .budgetExceeded,
      .providerRejected:
      true
    case .invalidJSON, .invalidRequest, .invalidHeader, .unsupportedEndpoint, .unknownModel, .tooLarge,
      .contextLengthExceeded, .idempotencyConflict, .cancelled, .replyTooLarge, .deliveryLimit:
      false
    }
  }
}
