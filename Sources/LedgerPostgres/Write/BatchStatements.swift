import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements about batches and the rows in them.
struct BatchStatements {
  private let insertBatch: PreparedStatement
  private let selectPlanned: PreparedStatement
  private let updateRows: PreparedStatement
  private let selectMembers: PreparedStatement
  private let assignRows: PreparedStatement
  private let selectInBatch: PreparedStatement
  private let releaseRows: PreparedStatement
  private let selectState: PreparedStatement
  private let updateCreating: PreparedStatement
  private let updatePlanned: PreparedStatement
  private let updateSubmitted: PreparedStatement
  private let updateLines: PreparedStatement
  private let selectLines: PreparedStatement
  private let updateEnded: PreparedStatement
  private let updateResolution: PreparedStatement
  private let lockMeta: PreparedStatement
  private let noteStep: PreparedStatement
  private let shiftWaiting: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    insertBatch = connection.prepare(
      """
      INSERT INTO batch(
        owner, state, label, account, lane, provider, model, endpoint, deadline_class, closed_by, row_count, tokens,
        body_bytes, model_range_bytes, custom_id_bytes, content_hash, created_at, halvings, price
      ) VALUES (
        $1::bigint, 0, $2::text, $3::text, $4::smallint, $5::text, $6::text, $7::smallint, $8::smallint, $9::smallint,
        $10::bigint, $11::bigint, $12::bigint, $13::bigint, $14::bigint, $15::bytea, $16::bigint, $17::bigint,
        $18::text
      ) RETURNING id
      """)
    selectPlanned = connection.prepare(
      """
      SELECT \(BatchRecord.columns) FROM batch WHERE label = $1::text AND owner = $2::bigint AND state = 0
      FOR NO KEY UPDATE
      """)
    updateRows = connection.prepare(
      """
      UPDATE batch SET row_count = $1::bigint, tokens = $2::bigint, body_bytes = $3::bigint,
        model_range_bytes = $4::bigint, custom_id_bytes = $5::bigint, content_hash = $6::bytea
      WHERE id = $7::bigint
      """)
    selectMembers = connection.prepare(
      """
      SELECT id, attempt_no, tokens, body_bytes, model_length, body_hash, deadline FROM request
      WHERE id = ANY($1::bigint[]) AND state = 0 ORDER BY id FOR NO KEY UPDATE
      """)
    assignRows = connection.prepare(
      """
      UPDATE request SET state = 3, batch_id = $1::bigint, attempt_no = attempt_no + 1 WHERE id = ANY($2::bigint[])
      """)
    selectInBatch = connection.prepare(
      "SELECT id FROM request WHERE batch_id = $1::bigint AND state = 3 ORDER BY prompt_order, id LIMIT $2::bigint")
    releaseRows = connection.prepare(
      """
      UPDATE request SET state = 0, not_before = $1::bigint, running_attempt = NULL
      WHERE id = ANY($2::bigint[]) AND state = 3
      """)
    selectState = connection.prepare(
      "SELECT state, provider_batch_id FROM batch WHERE id = $1::bigint FOR NO KEY UPDATE")
    updateCreating = connection.prepare(
      "UPDATE batch SET state = 1, input_file_id = $1::text, submitted_at = $2::bigint WHERE id = $3::bigint")
    updatePlanned = connection.prepare(
      """
      UPDATE batch SET state = 0, input_file_id = NULL, submitted_at = NULL, resolution = NULL, resolution_batch = NULL
      WHERE id = $1::bigint
      """)
    updateSubmitted = connection.prepare(
      """
      UPDATE batch SET state = 2, provider_batch_id = $1::text, submitted_at = $2::bigint, resolution = NULL,
        resolution_batch = NULL
      WHERE id = $3::bigint
      """)
    updateResolution = connection.prepare(
      """
      UPDATE batch SET resolution = $1::smallint, resolution_batch = $2::text
      WHERE label = $3::text AND (state = 1 OR (state = 2 AND $2::text IS NULL))
      """)
    updateLines = connection.prepare("UPDATE batch SET lines = $1::bytea WHERE id = $2::bigint")
    selectLines = connection.prepare("SELECT lines FROM batch WHERE id = $1::bigint")
    updateEnded = connection.prepare(
      "UPDATE batch SET state = $1::smallint, ended_at = $2::bigint WHERE id = $3::bigint")
    lockMeta = connection.prepare("SELECT value FROM meta WHERE name = 'version' FOR NO KEY UPDATE")
    // Every replica notices that the server's clock was set, within some seconds; one of them moves what waits.
    noteStep = connection.prepare(
      """
      WITH step AS (
        SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at, $1::bigint AS by
      ), known AS (
        SELECT max(value) FILTER (WHERE name = 'clock_set_at') AS at, max(value) FILTER (WHERE name = 'clock_set_by') AS by
        FROM meta
      )
      INSERT INTO meta(name, value)
      SELECT v.name, v.value FROM step CROSS JOIN known
      CROSS JOIN LATERAL (VALUES ('clock_set_at', step.at), ('clock_set_by', step.by)) v(name, value)
      WHERE known.at IS NULL OR abs(step.at - known.at) > 60000 OR abs(step.by - known.by) > 10000
      ON CONFLICT (name) DO UPDATE SET value = excluded.value
      """)
    shiftWaiting = connection.prepare(
      """
      UPDATE request SET not_before = not_before + $1::bigint
      WHERE state IN (0, 1) AND not_before > $2::bigint AND not_before <= $3::bigint
      """)
  }

  // MARK: Waiting

  func shift(after: Timestamp, upTo: Timestamp, by step: Duration) throws {
    try lockMeta.start().run()
    noteStep.start().bind(step.wholeMilliseconds)
    guard try noteStep.run() > 0 else { return }
    shiftWaiting.start().bind(step.wholeMilliseconds)
    shiftWaiting.bind(after.milliseconds)
    shiftWaiting.bind(upTo.milliseconds)
    try shiftWaiting.run()
  }

  // MARK: Plan

  func members(_ ids: [Int64]) throws -> [BatchMember] {
    selectMembers.start().bind(array: ids)
    return try selectMembers.all { row in
      BatchMember(
        id: try row.integer(0), attempt: try row.int(1) + 1, tokens: try row.integer(2),
        bodyBytes: try row.integer(3), modelBytes: try row.integer(4), bodyHash: try row.digest(5),
        deadline: try row.optionalTimestamp(6))
    }
  }

  func planned(label: String, owner: Int64) throws -> BatchRecord? {
    selectPlanned.start().bind(label)
    selectPlanned.bind(owner)
    return try selectPlanned.first { try BatchRecord($0) }
  }

  func update(_ batch: BatchRecord) throws {
    let row = updateRows.start()
    row.bind(Int64(batch.rowCount))
    row.bind(batch.tokens)
    row.bind(batch.bodyBytes)
    row.bind(batch.modelRangeBytes)
    row.bind(batch.customIDBytes)
    row.bind(batch.contentHash.bytes)
    row.bind(batch.id.rawValue)
    try row.run()
  }

  func insert(_ batch: BatchRecord, closedBy trigger: WindowTrigger, owner: Int64) throws -> BatchID {
    let row = insertBatch.start()
    row.bind(owner)
    row.bind(batch.label)
    row.bind(batch.account)
    row.bind(Int16(batch.key.lane.rawValue))
    row.bind(batch.key.provider)
    row.bind(StoredText(batch.key.model))
    row.bind(Int16(batch.key.endpoint.rawValue))
    row.bind(Int16(batch.key.deadlineClass))
    row.bind(Int16(trigger.rawValue))
    row.bind(Int64(batch.rowCount))
    row.bind(batch.tokens)
    row.bind(batch.bodyBytes)
    row.bind(batch.modelRangeBytes)
    row.bind(batch.customIDBytes)
    row.bind(batch.contentHash.bytes)
    row.bind(batch.createdAt.milliseconds)
    row.bind(Int64(batch.halvings))
    row.bind(batch.price?.text)
    guard let id = try row.first({ try $0.integer(0) }) else { throw DamagedTables("a new batch") }
    return BatchID(id)
  }

  func assign(_ ids: [Int64], to batch: BatchID) throws {
    assignRows.start().bind(batch.rawValue)
    assignRows.bind(array: ids)
    try assignRows.run()
  }

  // MARK: States

  func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?)? {
    selectState.start().bind(batch.rawValue)
    return try selectState.first { row in
      (state: try row.value(0, BatchRecord.State.self), providerID: try row.optionalText(1))
    }
  }

  func setCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) throws {
    updateCreating.start().bind(inputFileID.map { StoredText($0) })
    updateCreating.bind(now.milliseconds)
    updateCreating.bind(batch.rawValue)
    try updateCreating.run()
  }

  func setPlanned(_ batch: BatchID) throws {
    updatePlanned.start().bind(batch.rawValue)
    try updatePlanned.run()
  }

  func setSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws {
    updateSubmitted.start().bind(StoredText(providerBatchID))
    updateSubmitted.bind(now.milliseconds)
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
    updateEnded.start().bind(Int16(state.rawValue))
    updateEnded.bind(now.milliseconds)
    updateEnded.bind(batch.rawValue)
    try updateEnded.run()
  }

  /// Returns whether there is such a batch to be decided about.
  func resolve(label: String, as resolution: BatchResolution) throws -> Bool {
    let row = updateResolution.start()
    row.bind(Int16(StoredResolution(resolution).rawValue))
    row.bind(resolution.adoptedID.map(StoredText.init))
    row.bind(StoredText(label))
    return try row.run() == 1
  }

  // MARK: Rows

  func unsettled(_ batch: BatchID, limit: Int) throws -> [Int64] {
    selectInBatch.start().bind(batch.rawValue)
    selectInBatch.bind(Int64(limit))
    return try selectInBatch.all { try $0.integer(0) }
  }

  func release(_ ids: [Int64], notBefore: Timestamp) throws {
    releaseRows.start().bind(notBefore.milliseconds)
    releaseRows.bind(array: ids)
    try releaseRows.run()
  }
}
