import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements that take deliveries in and find what earlier deliveries of the same identity left.
struct AdmissionStatements {
  private let insertRequest: Statement
  private let insertBody: Statement
  private let selectLatest: Statement
  private let selectMergeable: Statement
  private let selectNonce: Statement
  private let selectUnacked: Statement
  private let updateGeneration: Statement
  private let clearGeneration: Statement
  private let clearMark: Statement
  private let updateClaim: Statement
  private let updateKept: Statement

  init(_ connection: OpaquePointer) throws {
    insertRequest = try Statement(
      connection,
      """
      INSERT INTO request(
        id, call_key, ordinal, kind, state, custody, leader_id, epoch, attempt_no, attempts, completed_at,
        failure_code, failure_message, flags, ledger_id, body_hash, received_at, not_before, ack_generation,
        correlation_id, reply_to, tenant, cost_center, user, service, environment, context, replay_nonce,
        lane, endpoint, model, route, tokens, body_bytes, model_offset, model_length, deadline, call_class,
        call_ceiling, batch_ceiling, prompt_order, merge_key
      ) VALUES (
        ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?16, ?17, ?18, ?19, ?20, ?21, ?22,
        ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36,
        ?37, ?38, ?39, ?40
      ) ON CONFLICT(call_key, ordinal) DO NOTHING
      """)
    insertBody = try Statement(connection, "INSERT INTO body(request_id, bytes, properties) VALUES (?, ?, ?)")
    selectLatest = try Statement(
      connection, "SELECT ordinal FROM request WHERE call_key = ? ORDER BY ordinal DESC LIMIT 1")
    selectMergeable = try Statement(
      connection,
      """
      SELECT id FROM (
        SELECT id FROM request INDEXED BY request_merge WHERE merge_key = ? AND merge_key IS NOT NULL AND state = 0
          AND attempts = 0
        ORDER BY id DESC LIMIT 1) newest
      WHERE (SELECT count(*) FROM (
        SELECT 1 FROM request f WHERE f.leader_id = newest.id AND f.state = 4 LIMIT \(MergeKey.mostFollowers)))
        < \(MergeKey.mostFollowers)
      """)
    selectNonce = try Statement(
      connection,
      """
      SELECT ordinal FROM request WHERE call_key = ? AND replay_nonce = ? AND ordinal >= 0 ORDER BY ordinal DESC LIMIT 1
      """)
    // Two ranges, so that rows of the delivery's own generation are not walked over.
    selectUnacked = try Statement(
      connection,
      """
      SELECT id FROM request INDEXED BY request_unacked WHERE call_key = ?1 AND ack_generation < ?2
      UNION ALL
      SELECT id FROM request INDEXED BY request_unacked WHERE call_key = ?1 AND ack_generation > ?2
      LIMIT 1
      """)
    updateGeneration = try Statement(connection, "UPDATE request SET ack_generation = ? WHERE id = ?")
    clearGeneration = try Statement(
      connection, "UPDATE request SET ack_generation = NULL WHERE id = ? AND ack_generation IS NOT NULL")
    clearMark = try Statement(
      connection, "UPDATE request SET ack_generation = NULL WHERE id = ? AND ack_generation = ?")
    updateClaim = try Statement(
      connection, "UPDATE request SET epoch = ?, attempt_no = attempt_no + 1, attempts = attempts + 1 WHERE id = ?")
    updateKept = try Statement(
      connection,
      """
      UPDATE request SET state = ?, custody = 1, call_class = 1, attempts = attempts + 1, not_before = ?, lane = ?,
        endpoint = ?, model = ?, route = ?, tokens = ?, body_bytes = ?, model_offset = ?, model_length = ?,
        call_ceiling = ?, batch_ceiling = ?
      WHERE id = ?
      """)
  }

  /// Returns false when there is a row with this key and ordinal.
  func insert(_ request: NewRequest, _ seed: RowSeed, _ session: WriteSession) throws -> Bool {
    let envelope = request.envelope
    let row = insertRequest.start()
    row.bind(seed.id)
    row.bind(CallKey(envelope.identity))
    row.bind(seed.ordinal)
    row.bind(seed.kind)
    row.bind(seed.state)
    row.bind(seed.custody)
    row.bind(seed.leaderID)
    row.bind(seed.isClaim ? session.epoch : nil)
    row.bind(seed.attemptNumber)
    row.bind(seed.completedAt)
    row.bind(seed.failure?.code.rawValue)
    row.bind(seed.failure?.message)
    row.bind(seed.flags(request).rawValue)
    row.bind(seed.ledgerID.bytes)
    row.bind(request.bodyHash)
    row.bind(request.receivedAt)
    row.bind(envelope.identity.kind == .fingerprint ? request.deliveryGeneration : nil)
    row.bind(envelope.storedCorrelationID)
    row.bind(envelope.replyTo)
    row.bind(envelope.tags.tenant)
    row.bind(envelope.tags.costCenter)
    row.bind(envelope.tags.user)
    row.bind(envelope.tags.service)
    row.bind(envelope.tags.environment)
    row.bind(RequestContext(envelope).bytes)
    row.bind(envelope.replayNonce)
    guard case .call(let call) = request.content else {
      for _ in 0..<4 { row.bindNull() }
      for _ in 0..<4 { row.bind(0) }
      row.bindNull()
      row.bind(seed.callClass)
      for _ in 0..<2 { row.bindNull() }
      row.bind(0)
      row.bindNull()
      return try row.run() == 1
    }
    row.bind(call.lane)
    row.bind(call.endpoint)
    row.bind(try session.id(ofModel: call.model))
    row.bind(try session.id(of: call.route))
    row.bind(call.tokens)
    row.bind(call.body.bytes.count)
    row.bind(call.body.modelRange.lowerBound)
    row.bind(call.body.modelRange.count)
    row.bind(call.deadline)
    row.bind(seed.callClass)
    row.bind(call.callCeiling?.value)
    row.bind(call.batchCeiling?.value)
    row.bind(call.promptOrder)
    row.bind(call.mergeKey?.digest.bytes)
    return try row.run() == 1
  }

  /// - Parameter body: nil while the broker holds it; its properties are kept for a dead letter all the same.
  func insertBody(_ body: RequestBody?, properties: [UInt8], of id: Int64) throws {
    if body == nil && properties.isEmpty { return }
    let row = insertBody.start()
    row.bind(id)
    guard let body else {
      row.bindNull()
      row.bind(properties)
      try row.run()
      return
    }
    try body.bytes.withUnsafeBytes { bytes in
      row.bind(borrowed: bytes)
      if properties.isEmpty { row.bindNull() } else { row.bind(properties) }
      try row.run()
    }
  }

  /// The highest ordinal of the key.
  func mergeable(_ key: MergeKey) throws -> Int64? {
    selectMergeable.start().bind(key.digest)
    return try selectMergeable.first { $0.integer(0) }
  }

  func latestOrdinal(_ key: CallKey) throws -> Int64? {
    selectLatest.start().bind(key)
    return try selectLatest.first { $0.integer(0) }
  }

  /// The latest row of the key that this nonce made.
  func ordinal(_ key: CallKey, nonce: String) throws -> Int64? {
    selectNonce.start().bind(key)
    selectNonce.bind(nonce)
    return try selectNonce.first { $0.integer(0) }
  }

  /// A row of the fingerprint whose ack may be lost, and that no delivery of this generation stands for.
  func unacked(_ key: CallKey, otherThan generation: Int64) throws -> Int64? {
    selectUnacked.start().bind(key)
    selectUnacked.bind(generation)
    return try selectUnacked.first { $0.integer(0) }
  }

  func setGeneration(_ generation: Int64, of id: Int64) throws {
    updateGeneration.start().bind(generation)
    updateGeneration.bind(id)
    try updateGeneration.run()
  }

  func clearGeneration(of id: Int64) throws {
    clearGeneration.start().bind(id)
    try clearGeneration.run()
  }

  /// Unless a redelivery has renewed it.
  func clear(_ mark: AckMark) throws {
    clearMark.start().bind(mark.id.rawValue)
    clearMark.bind(mark.generation)
    try clearMark.run()
  }

  /// This process calls for the row from now on.
  func claim(_ id: Int64, epoch: Int64) throws {
    updateClaim.start().bind(epoch)
    updateClaim.bind(id)
    try updateClaim.run()
  }

  /// A claim becomes a row that is kept, as a delivery with other wishes says.
  func keep(_ id: Int64, as call: NewCall, notBefore: Timestamp, _ session: WriteSession) throws {
    updateKept.start().bind(call.lane == .deferred ? RowState.accepted : .parked)
    updateKept.bind(notBefore)
    updateKept.bind(call.lane)
    updateKept.bind(call.endpoint)
    updateKept.bind(try session.id(ofModel: call.model))
    updateKept.bind(try session.id(of: call.route))
    updateKept.bind(call.tokens)
    updateKept.bind(call.body.bytes.count)
    updateKept.bind(call.body.modelRange.lowerBound)
    updateKept.bind(call.body.modelRange.count)
    updateKept.bind(call.callCeiling?.value)
    updateKept.bind(call.batchCeiling?.value)
    updateKept.bind(id)
    try updateKept.run()
  }
}
