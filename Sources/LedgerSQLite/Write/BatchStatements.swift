import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements about batches and the rows in them.
struct BatchStatements {
  private let insertBatch: Statement
  private let selectPlanned: Statement
  private let updateRows: Statement
  private let selectRow: Statement
  private let assignRow: Statement
  private let selectInBatch: Statement
  private let release: Statement
  private let selectState: Statement
  private let updateCreating: Statement
  private let updatePlanned: Statement
  private let updateSubmitted: Statement
  private let updateLines: Statement
  private let selectLines: Statement
  private let updateEnded: Statement
  private let updateResolution: Statement
  private let shiftAccepted: Statement
  private let shiftParked: Statement

  init(_ connection: OpaquePointer) throws {
    insertBatch = try Statement(
      connection,
      """
      INSERT INTO batch(
        state, label, account, lane, provider, model, endpoint, deadline_class, closed_by, row_count, tokens, body_bytes,
        model_range_bytes, custom_id_bytes, content_hash, created_at, halvings, price
      ) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
      """)
    selectPlanned = try Statement(
      connection, "SELECT \(BatchRecord.columns) FROM batch WHERE label = ? AND state = 0")
    updateRows = try Statement(
      connection,
      """
      UPDATE batch SET row_count = ?, tokens = ?, body_bytes = ?, model_range_bytes = ?, custom_id_bytes = ?,
        content_hash = ?
      WHERE id = ?
      """)
    selectRow = try Statement(
      connection,
      """
      SELECT state, deadline, tokens, body_bytes, model_length, attempt_no, body_hash FROM request WHERE id = ?
      """)
    assignRow = try Statement(
      connection, "UPDATE request SET state = 3, batch_id = ?, attempt_no = attempt_no + 1 WHERE id = ?")
    selectInBatch = try Statement(
      connection,
      """
      SELECT id FROM request INDEXED BY request_batch WHERE batch_id = ? AND state = 3 ORDER BY prompt_order, id LIMIT ?
      """)
    release = try Statement(
      connection, "UPDATE request SET state = 0, not_before = ?, running_attempt = NULL WHERE id = ?")
    selectState = try Statement(connection, "SELECT state, provider_batch_id FROM batch WHERE id = ?")
    updateCreating = try Statement(
      connection, "UPDATE batch SET state = 1, input_file_id = ?, submitted_at = ? WHERE id = ?")
    updatePlanned = try Statement(
      connection,
      """
      UPDATE batch SET state = 0, input_file_id = NULL, submitted_at = NULL, resolution = NULL, resolution_batch = NULL
      WHERE id = ?
      """)
    updateSubmitted = try Statement(
      connection,
      """
      UPDATE batch SET state = 2, provider_batch_id = ?, submitted_at = ?, resolution = NULL, resolution_batch = NULL
      WHERE id = ?
      """)
    updateLines = try Statement(connection, "UPDATE batch SET lines = ? WHERE id = ?")
    selectLines = try Statement(connection, "SELECT lines FROM batch WHERE id = ?")
    updateEnded = try Statement(connection, "UPDATE batch SET state = ?, ended_at = ? WHERE id = ?")
    updateResolution = try Statement(
      connection,
      """
      UPDATE batch SET resolution = ?1, resolution_batch = ?2
      WHERE label = ?3 AND state <= 2 AND (state = 1 OR (state = 2 AND ?2 IS NULL))
      """)
    func shift(_ state: RowState, by index: String) throws -> Statement {
      try Statement(
        connection,
        """
        UPDATE request INDEXED BY \(index) SET not_before = not_before + ?1
        WHERE state = \(state.rawValue) AND not_before > ?2 AND not_before <= ?3
        """)
    }
    shiftAccepted = try shift(.accepted, by: "request_accepted")
    shiftParked = try shift(.parked, by: "request_parked")
  }

  func shift(after: Timestamp, upTo: Timestamp, by step: Duration) throws {
    try shift(shiftAccepted, after, upTo, step)
    try shift(shiftParked, after, upTo, step)
  }

  private func shift(_ statement: Statement, _ after: Timestamp, _ upTo: Timestamp, _ step: Duration) throws {
    statement.start().bind(step.wholeMilliseconds)
    statement.bind(after.milliseconds)
    statement.bind(upTo.milliseconds)
    try statement.run()
  }

  // MARK: Plan

  /// Nil when the row is not accepted any more.
  func member(_ id: Int64) throws -> BatchMember? {
    selectRow.start().bind(id)
    return try selectRow.first { row -> BatchMember? in
      guard try row.value(0, RowState.self) == .accepted else { return nil }
      return BatchMember(
        id: id, attempt: row.int(5) + 1, tokens: row.integer(2), bodyBytes: row.integer(3), modelBytes: row.integer(4),
        bodyHash: try row.digest(6), deadline: row.optionalTimestamp(1))
    } ?? nil
  }

  func planned(label: String) throws -> BatchRecord? {
    selectPlanned.start().bind(label)
    return try selectPlanned.first { try BatchRecord($0) }
  }

  func update(_ batch: BatchRecord) throws {
    let row = updateRows.start()
    row.bind(batch.rowCount)
    row.bind(batch.tokens)
    row.bind(batch.bodyBytes)
    row.bind(batch.modelRangeBytes)
    row.bind(batch.customIDBytes)
    row.bind(batch.contentHash)
    row.bind(batch.id.rawValue)
    try row.run()
  }

  func insert(_ batch: BatchRecord, closedBy trigger: WindowTrigger) throws -> BatchID {
    let row = insertBatch.start()
    row.bind(batch.label)
    row.bind(batch.account)
    row.bind(batch.key.lane)
    row.bind(batch.key.provider)
    row.bind(batch.key.model)
    row.bind(batch.key.endpoint)
    row.bind(Int64(batch.key.deadlineClass))
    row.bind(trigger)
    row.bind(batch.rowCount)
    row.bind(batch.tokens)
    row.bind(batch.bodyBytes)
    row.bind(batch.modelRangeBytes)
    row.bind(batch.customIDBytes)
    row.bind(batch.contentHash)
    row.bind(batch.createdAt)
    row.bind(batch.halvings)
    row.bind(batch.price?.text)
    guard let id = try row.first({ $0.integer(0) }) else { throw DamagedTables("a new batch") }
    return BatchID(id)
  }

  func assign(_ id: Int64, to batch: BatchID) throws {
    assignRow.start().bind(batch.rawValue)
    assignRow.bind(id)
    try assignRow.run()
  }

  // MARK: States

  func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?)? {
    selectState.start().bind(batch.rawValue)
    return try selectState.first { row in
      (state: try row.value(0, BatchRecord.State.self), providerID: row.optionalText(1))
    }
  }

  func setCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) throws {
    updateCreating.start().bind(inputFileID)
    updateCreating.bind(now)
    updateCreating.bind(batch.rawValue)
    try updateCreating.run()
  }

  func setPlanned(_ batch: BatchID) throws {
    updatePlanned.start().bind(batch.rawValue)
    try updatePlanned.run()
  }

  func setSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws {
    updateSubmitted.start().bind(providerBatchID)
    updateSubmitted.bind(now)
    updateSubmitted.bind(batch.rawValue)
    try updateSubmitted.run()
  }

  func setLines(_ batch: BatchID, _ lines: [UInt8]) throws {
    updateLines.start().bind(lines)
    updateLines.bind(batch.rawValue)
    try updateLines.run()
  }

  func storedLines(of batch: BatchID) throws -> [UInt8]? {
    selectLines.start().bind(batch.rawValue)
    return try selectLines.first { $0.optionalBytes(0) } ?? nil
  }

  func setEnded(_ batch: BatchID, as state: BatchRecord.State, at now: Timestamp) throws {
    updateEnded.start().bind(state)
    updateEnded.bind(now)
    updateEnded.bind(batch.rawValue)
    try updateEnded.run()
  }

  /// Returns whether there is such a batch to be decided about.
  func resolve(label: String, as resolution: BatchResolution) throws -> Bool {
    let row = updateResolution.start()
    row.bind(StoredResolution(resolution))
    row.bind(resolution.adoptedID)
    row.bind(label)
    return try row.run() == 1
  }

  // MARK: Rows

  func unsettled(_ batch: BatchID, limit: Int) throws -> [Int64] {
    selectInBatch.start().bind(batch.rawValue)
    selectInBatch.bind(limit)
    return try selectInBatch.all { $0.integer(0) }
  }

  func release(_ id: Int64, notBefore: Timestamp) throws {
    release.start().bind(notBefore)
    release.bind(id)
    try release.run()
  }
}
