public import BatchCore
public import Ledger
import LedgerRules
import Threading

// MARK: - Custody

extension PostgresLedger {
  public func admit(_ requests: [NewRequest], at now: Timestamp) async throws(LedgerError) -> [Admission] {
    if requests.isEmpty { return [] }
    return try await commits.perform(
      rows: requests.count, isUrgent: requests.areUrgent, prepare: { $0.budgets.foresee(requests) }
    ) {
      try $0.admit(requests, at: now)
    }
  }

  public func acknowledged(_ rows: [RequestID]) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { session in
      try session.statements().admissions.clearGenerations(of: rows.map(\.rawValue))
    }
  }

  public func marks(of queue: Lane, limit: Int) async throws(LedgerError) -> [AckMark] {
    try await rows.read { try $0.marks(of: queue, limit: limit) }
  }

  public func removeMarks(_ marks: [AckMark]) async throws(LedgerError) {
    if marks.isEmpty { return }
    try await commits.perform(rows: marks.count) { try $0.statements().admissions.clear(marks) }
  }

  public func park(_ rows: [(id: RequestID, body: RequestBody, notBefore: Timestamp)]) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { session in
      for row in rows { try session.park(row.id, row.body, notBefore: row.notBefore) }
    }
  }

  public func takeParked(_ claim: ParkedClaim, at now: Timestamp) async throws(LedgerError) -> TakenCalls {
    try await commits.perform(rows: claim.limit, isUrgent: claim.isUrgent) { try $0.takeParked(claim, at: now) }
  }

  public func parkedLines() async throws(LedgerError) -> [(line: ParkedLine, notBefore: Timestamp)] {
    try await rows.read { try $0.parkedLines() }
  }

  public func release(_ route: Route, limit: Int, at now: Timestamp) async throws(LedgerError) -> Int {
    try await commits.perform(rows: 1) { session in
      try session.statements().parked.release(try session.id(of: route), limit: limit, at: now)
    }
  }

  public func shiftWaiting(after: Timestamp, upTo: Timestamp, by step: Duration) async throws(LedgerError) {
    try await commits.perform(rows: 1) { session in
      try session.statements().batches.shift(after: after, upTo: upTo, by: step)
    }
  }

  public func cancel(
    tenant: String, correlationID: [UInt8], at now: Timestamp
  ) async throws(LedgerError) -> [RequestID] {
    let candidates = try await rows.read { try $0.cancellable(tenant: tenant, correlationID: correlationID) }
    if candidates.isEmpty { return [] }
    return try await commits.perform(rows: candidates.count) { session in
      try candidates.filter { try session.cancel($0, at: now) }
    }
  }

  public func fail(
    _ rows: [(id: RequestID, failure: Failure, body: RequestBody?)], at now: Timestamp
  ) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { session in
      for row in rows { try session.fail(row.id, row.failure, row.body, at: now) }
    }
  }
}

// MARK: - Batches

extension PostgresLedger {
  public func acceptedRows(after: RequestID?, limit: Int) async throws(LedgerError) -> [AcceptedRow] {
    try await rows.read { try $0.acceptedRows(after: after, limit: limit) }
  }

  public func plan(_ plan: BatchPlan, at now: Timestamp) async throws(LedgerError) -> PlannedBatch {
    try await commits.plan(plan, at: now)
  }

  public func batchRows(
    _ batch: BatchID, after: RequestID?, limit: Int, maximumBytes: Int
  ) async throws(LedgerError) -> [BatchRowBody] {
    try await rows.read { try $0.batchRows(batch, after: after, limit: limit, maximumBytes: maximumBytes) }
  }

  public func keepLines(_ lines: BatchLines, of batch: BatchID) async throws(LedgerError) -> BatchLines {
    try await commits.perform(rows: 1) { try $0.keepLines(lines, of: batch) }
  }

  public func lines(of batch: BatchID) async throws(LedgerError) -> BatchLines? {
    try await rows.read { try $0.lines(of: batch) }
  }

  public func markCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) async throws(LedgerError) {
    try await commits.perform(rows: 1) { try $0.markCreating(batch, inputFileID: inputFileID, at: now) }
  }

  public func markPlanned(_ batch: BatchID) async throws(LedgerError) {
    try await commits.perform(rows: 1) { try $0.markPlanned(batch) }
  }

  public func markSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) async throws(LedgerError) {
    try await commits.perform(rows: 1) { try $0.markSubmitted(batch, providerBatchID: providerBatchID, at: now) }
  }

  public func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
  ) async throws(LedgerError) {
    try await commits.abandon(batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
  }

  public func openBatches() async throws(LedgerError) -> [BatchRecord] {
    try await rows.read { try $0.openBatches() }
  }

  public func resolve(
    label: String, as resolution: BatchResolution, at now: Timestamp
  ) async throws(LedgerError) -> Bool {
    try await commits.perform(rows: 1) { try $0.statements().batches.resolve(label: label, as: resolution) }
  }

  public func resolution(of batch: BatchID) async throws(LedgerError) -> BatchResolution? {
    try await rows.read { try $0.resolution(of: batch) }
  }

  public func unsettledRows(
    _ batch: BatchID, after: RequestID?, limit: Int
  ) async throws(LedgerError) -> [UnsettledRow] {
    try await rows.read { try $0.unsettledRows(batch, after: after, limit: limit) }
  }

  public func settle(_ batch: BatchID, at now: Timestamp) async throws(LedgerError) {
    try await commits.perform(rows: 1) { try $0.settle(batch, at: now) }
  }
}

// MARK: - Outcomes and replies

extension PostgresLedger {
  public func record(_ outcomes: [AttemptOutcome], at now: Timestamp) async throws(LedgerError) -> [RecordedOutcome] {
    if outcomes.isEmpty { return [] }
    return try await commits.perform(
      rows: outcomes.count, isUrgent: outcomes.areUrgent, prepare: { $0.budgets.foresee(outcomes) }
    ) {
      try $0.record(outcomes, at: now)
    }
  }

  public func takeReplies(
    _ urgency: ReplyUrgency, limit: Int, maximumBytes: Int
  ) async throws(LedgerError) -> [PendingReply] {
    try await outbox.read { [cursors, replica] reader in
      let replies = try reader.take(
        urgency, owner: replica, after: cursors.withLock { $0[urgency] }, limit: limit, maximumBytes: maximumBytes)
      if let last = replies.last { cursors.withLock { $0[urgency] = last.place } }
      return replies
    }
  }

  public func delivered(_ replies: [TakenReply], at now: Timestamp) async throws(LedgerError) {
    if replies.isEmpty { return }
    try await commits.perform(rows: replies.count, isUrgent: replies.areUrgent) { session in
      try session.statements().outcomes.deleteReplies(at: replies.map(\.place), owner: session.replica)
    }
  }

  public func undeliverable(
    _ replies: [(reply: TakenReply, reason: String)], at now: Timestamp
  ) async throws(LedgerError) {
    if replies.isEmpty { return }
    try await commits.perform(rows: replies.count) { session in
      for (reply, reason) in replies { try session.setUndeliverable(reply.request.rawValue, reason: reason) }
      try session.statements().outcomes.deleteReplies(at: replies.map(\.reply.place), owner: session.replica)
    }
  }

  public func backlog() async throws(LedgerError) -> [BacklogEntry] { try await rows.read { try $0.backlog() } }

  public func backlogBytes() async throws(LedgerError) -> Int64 { try await rows.read { try $0.backlogBytes() } }
}
