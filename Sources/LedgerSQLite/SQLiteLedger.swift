public import BatchCore
import Dispatch
import GRDB
public import Ledger
import LedgerRules
import Threading

/// A ledger in one SQLite file, for one process.
///
/// A commit is on disk before a call returns, also through a power cut. One connection writes, on a queue of its own,
/// and calls that arrive while it commits share the next commit; six others read beside it, and one writes what is
/// committed from the log into the file. Nothing blocks the cooperative pool.
///
/// Close it when done. One that is dropped without leaves the file as a crash would: complete.
public final class SQLiteLedger: LedgerStore {
  /// The file.
  public let path: String
  let commits: GroupCommit<WriteSession>
  private let writer: Writer
  let rows: ReadQueue<RowReader>
  private let outbox: ReadQueue<OutboxReader>
  /// Apart, so that who waits for a reply does not wait for others to be read.
  private let urgentOutbox: ReadQueue<OutboxReader>
  let deadlines: ReadQueue<DeadlineReader>
  let costs: ReadQueue<CostReader>
  let retention: ReadQueue<RetentionReader>
  private let file: Locked<LedgerFile?>
  private let mapping: ErrorMapping
  let hasTakenOver = Locked(false)

  /// Opens the file, and makes it and its folder if they are not there. Blocks while it does.
  ///
  /// - Parameter busyTimeout: How long a commit waits for another program that has locked the file.
  /// - Throws: `LedgerError` with one line that says what to do: another process has it open, a newer version wrote it,
  ///   it belongs to another program, or the disk refuses.
  public convenience init(path: String, busyTimeout: Duration = .seconds(5)) throws(LedgerError) {
    try self.init(path: path, busyTimeout: busyTimeout, logPages: Connections.logPages)
  }

  /// - Parameter logPages: How long the log becomes before it is written into the file.
  init(path: String, busyTimeout: Duration = .seconds(5), logPages: Int) throws(LedgerError) {
    self.path = path
    let mapping = ErrorMapping(path: path)
    self.mapping = mapping
    let file = try LedgerFile(path: path)
    do {
      let writer = try Connections.writer(path: path, busyTimeout: busyTimeout, logPages: logPages)
      let session = try writer.writeWithoutTransaction { db in
        try Schema.migrate(db, path: path)
        guard let connection = db.sqliteConnection else { throw InvalidOperation("no connection") }
        return Confined(try WriteSession(connection))
      }
      let checkpointer = try Checkpointer(path: path, limit: logPages)
      let place = Writer(queue: writer, session: session, checkpointer: checkpointer)
      self.writer = place
      commits = GroupCommit(closed: mapping.closed, mapping: { mapping($0) }, enqueue: { place.enqueue($0) })
      rows = try ReadQueue(path: path, name: "rows", mapping: mapping)
      outbox = try ReadQueue(path: path, name: "outbox", mapping: mapping)
      urgentOutbox = try ReadQueue(path: path, name: "urgent", mapping: mapping)
      deadlines = try ReadQueue(path: path, name: "deadlines", mapping: mapping)
      costs = try ReadQueue(path: path, name: "costs", mapping: mapping)
      retention = try ReadQueue(path: path, name: "retention", mapping: mapping)
      self.file = Locked(file)
    } catch {
      throw mapping(error)
    }
  }
}

// MARK: - Custody

extension SQLiteLedger {
  public func admit(_ requests: [NewRequest], at now: Timestamp) async throws(LedgerError) -> [Admission] {
    if requests.isEmpty { return [] }
    return try await commits.perform(rows: requests.count, isUrgent: requests.areUrgent) { session in
      var admissions: [Admission] = []
      admissions.reserveCapacity(requests.count)
      for request in requests { admissions.append(try session.admit(request, at: now)) }
      return admissions
    }
  }

  public func acknowledged(_ rows: [RequestID]) async throws(LedgerError) {
    if rows.isEmpty { return }
    try await commits.perform(rows: rows.count) { session in
      for row in rows { try session.admissions.clearGeneration(of: row.rawValue) }
    }
  }

  public func marks(of queue: Lane, limit: Int) async throws(LedgerError) -> [AckMark] {
    try await rows.read { try $0.marks(of: queue, limit: limit) }
  }

  public func removeMarks(_ marks: [AckMark]) async throws(LedgerError) {
    if marks.isEmpty { return }
    try await commits.perform(rows: marks.count) { session in
      for mark in marks { try session.admissions.clear(mark) }
    }
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
    try await commits.perform(rows: 1) { try $0.parked.release(route, limit: limit, at: now, $0) }
  }

  public func shiftWaiting(after: Timestamp, upTo: Timestamp, by step: Duration) async throws(LedgerError) {
    try await commits.perform(rows: 1) { try $0.batches.shift(after: after, upTo: upTo, by: step) }
  }

  public func cancel(
    tenant: String, correlationID: [UInt8], at now: Timestamp
  ) async throws(LedgerError) -> [RequestID] {
    // The search may be long; it must not hold the writer up.
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

extension SQLiteLedger {
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
    try await commits.perform(rows: 1) { try $0.batches.resolve(label: label, as: resolution) }
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

extension SQLiteLedger {
  public func record(_ outcomes: [AttemptOutcome], at now: Timestamp) async throws(LedgerError) -> [RecordedOutcome] {
    if outcomes.isEmpty { return [] }
    return try await commits.perform(rows: outcomes.count, isUrgent: outcomes.areUrgent) { session in
      var recorded: [RecordedOutcome] = []
      recorded.reserveCapacity(outcomes.count)
      for outcome in outcomes { recorded.append(try session.record(outcome, at: now)) }
      return recorded
    }
  }

  public func takeReplies(
    _ urgency: ReplyUrgency, limit: Int, maximumBytes: Int
  ) async throws(LedgerError) -> [PendingReply] {
    let reader = urgency == .urgent ? urgentOutbox : outbox
    return try await reader.read { try $0.take(urgency, limit: limit, maximumBytes: maximumBytes) }
  }

  public func delivered(_ replies: [TakenReply], at now: Timestamp) async throws(LedgerError) {
    if replies.isEmpty { return }
    try await commits.perform(rows: replies.count, isUrgent: replies.areUrgent) { session in
      for reply in replies { try session.outcomes.deleteReply(at: reply.place) }
    }
  }

  public func undeliverable(
    _ replies: [(reply: TakenReply, reason: String)], at now: Timestamp
  ) async throws(LedgerError) {
    if replies.isEmpty { return }
    try await commits.perform(rows: replies.count) { session in
      for (reply, reason) in replies {
        try session.setUndeliverable(reply.request.rawValue, reason: reason)
        try session.outcomes.deleteReply(at: reply.place)
      }
    }
  }
}

// MARK: - Watching

extension SQLiteLedger {
  public func backlog() async throws(LedgerError) -> [BacklogEntry] {
    try await rows.read { try $0.backlog() }
  }

  public func backlogBytes() async throws(LedgerError) -> Int64 {
    try await rows.read { try $0.backlogBytes() }
  }

  public func describe() async throws(LedgerError) -> String {
    let version = try await rows.read { try $0.schemaVersion() }
    return "SQLite ledger \(path), schema version \(version)"
  }

  /// A file is not waited for.
  public func stopWaiting() {}

  /// Refuses new calls, ends those that run, and gives the file free. Calling it again does nothing.
  public func close() async {
    await commits.close()
    await rows.close()
    await outbox.close()
    await urgentOutbox.close()
    await retention.close()
    await deadlines.close()
    await costs.close()
    await writer.close()
    guard let file = file.withLock({ $0.take() }) else { return }
    let done = OneShot<Void>()
    // The last connection writes the log back into the file, which takes a while: not on the cooperative pool.
    DispatchQueue.global().async { [rows, outbox, urgentOutbox, retention, deadlines, costs, writer] in
      rows.release()
      outbox.release()
      urgentOutbox.release()
      retention.release()
      deadlines.release()
      costs.release()
      writer.release()
      // The lock goes last.
      file.release()
      done.succeed(())
    }
    await done.value
  }
}
