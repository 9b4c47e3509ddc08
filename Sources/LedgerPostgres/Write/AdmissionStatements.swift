import BatchCore
import Ledger
import LedgerRules
import Wire

/// Statements that take deliveries in and find what earlier deliveries of the same identity left.
struct AdmissionStatements {
  private let insertRequests: PreparedStatement
  private let insertBodies: PreparedStatement
  private let lockKey: PreparedStatement
  private let selectLatest: PreparedStatement
  private let selectMergeable: PreparedStatement
  private let selectNonce: PreparedStatement
  private let selectUnacked: PreparedStatement
  private let updateGeneration: PreparedStatement
  private let clearGenerations: PreparedStatement
  private let clearMarks: PreparedStatement
  private let updateClaim: PreparedStatement
  private let updateKept: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    insertRequests = connection.prepare(Self.insertSQL)
    insertBodies = connection.prepare(
      """
      INSERT INTO body(request_id, bytes, properties) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])
      """)
    lockKey = connection.prepare("SELECT pg_advisory_xact_lock($1::bigint)")
    selectLatest = connection.prepare(
      "SELECT ordinal FROM request WHERE call_key = $1::bytea ORDER BY ordinal DESC LIMIT 1")
    // Many may follow it at once, and whoever sends it waits for them. Nobody here waits for whoever sends it.
    selectMergeable = connection.prepare(
      """
      SELECT id FROM (
        SELECT id FROM request WHERE merge_key = $1::bytea AND merge_key IS NOT NULL AND state = 0 AND attempts = 0
        ORDER BY id DESC LIMIT 1 FOR SHARE SKIP LOCKED) newest
      WHERE (SELECT count(*) FROM (
        SELECT 1 FROM request f WHERE f.leader_id = newest.id AND f.state = 4 LIMIT \(MergeKey.mostFollowers)) AS counted)
        < \(MergeKey.mostFollowers)
      """)
    selectNonce = connection.prepare(
      """
      SELECT ordinal FROM request WHERE call_key = $1::bytea AND replay_nonce = $2::text AND ordinal >= 0
      ORDER BY ordinal DESC LIMIT 1
      """)
    // Two ranges, so that rows of the delivery's own generation are not walked over.
    selectUnacked = connection.prepare(
      """
      SELECT id FROM request WHERE call_key = $1::bytea AND ack_generation < $2::bigint
      UNION ALL
      SELECT id FROM request WHERE call_key = $1::bytea AND ack_generation > $2::bigint
      LIMIT 1
      """)
    updateGeneration = connection.prepare("UPDATE request SET ack_generation = $1::bigint WHERE id = $2::bigint")
    clearGenerations = connection.prepare(
      """
      UPDATE request SET ack_generation = NULL WHERE id = ANY($1::bigint[]) AND ack_generation IS NOT NULL
      """)
    clearMarks = connection.prepare(
      """
      UPDATE request r SET ack_generation = NULL FROM unnest($1::bigint[], $2::bigint[]) AS mark(id, generation)
      WHERE r.id = mark.id AND r.ack_generation = mark.generation
      """)
    updateClaim = connection.prepare(
      """
      UPDATE request SET owner = $1::bigint, attempt_no = attempt_no + 1, attempts = attempts + 1 WHERE id = $2::bigint
      """)
    updateKept = connection.prepare(
      """
      UPDATE request SET state = $1::smallint, custody = 1, call_class = 1, owner = NULL, attempts = attempts + 1,
        not_before = $2::bigint, lane = $3::smallint, endpoint = $4::smallint, model = $5::integer, route = $6::integer, tokens = $7::bigint,
        body_bytes = $8::bigint, model_offset = $9::bigint, model_length = $10::bigint,
        call_ceiling = $11::bigint, batch_ceiling = $12::bigint
      WHERE id = $13::bigint
      """)
  }

  /// The columns of a new row with their types, in the order in which `insert` binds them.
  private static let columns: [(name: String, type: String)] = [
    ("id", "bigint"), ("call_key", "bytea"), ("ordinal", "bigint"), ("kind", "smallint"), ("state", "smallint"),
    ("custody", "smallint"), ("leader_id", "bigint"), ("owner", "bigint"), ("attempt_no", "bigint"),
    ("completed_at", "bigint"), ("failure_code", "text"), ("failure_message", "text"), ("flags", "bigint"),
    ("ledger_id", "bytea"), ("body_hash", "bytea"), ("received_at", "bigint"), ("ack_generation", "bigint"),
    ("correlation_id", "bytea"), ("reply_to", "bytea"), ("tenant", "text"), ("cost_center", "text"),
    ("user_tag", "text"), ("service", "text"), ("environment", "text"), ("context", "bytea"),
    ("replay_nonce", "text"), ("lane", "smallint"), ("endpoint", "smallint"), ("model", "integer"),
    ("route", "integer"), ("tokens", "bigint"), ("body_bytes", "bigint"), ("model_offset", "bigint"),
    ("model_length", "bigint"), ("deadline", "bigint"), ("call_class", "smallint"),
    ("call_ceiling", "bigint"), ("batch_ceiling", "bigint"), ("prompt_order", "bigint"),
    ("merge_key", "bytea"),
  ]

  private static var insertSQL: String {
    let names = columns.map(\.name).joined(separator: ", ")
    let arrays = columns.enumerated().map { "$\($0.offset + 1)::\($0.element.type)[]" }.joined(separator: ", ")
    return """
      INSERT INTO request(\(names), attempts, not_before)
      SELECT \(names), 0, received_at FROM unnest(\(arrays)) AS new(\(names))
      ON CONFLICT (call_key, ordinal) DO NOTHING RETURNING id
      """
  }

  /// Returns the ids of those rows whose key and ordinal were free.
  func insert(_ rows: [(request: NewRequest, seed: RowSeed)], _ session: WriteSession) throws -> Set<Int64> {
    let envelopes = rows.map(\.request.envelope)
    let calls = rows.map(\.request.call)
    let row = insertRequests.start()
    row.bind(array: rows.map(\.seed.id))
    row.bind(array: envelopes.map { CallKey($0.identity).bytes })
    row.bind(array: rows.map(\.seed.ordinal))
    row.bind(array: rows.map { Int16($0.seed.kind.rawValue) })
    row.bind(array: rows.map { Int16($0.seed.state.rawValue) })
    row.bind(array: rows.map { Int16($0.seed.custody.rawValue) })
    row.bind(array: rows.map(\.seed.leaderID))
    row.bind(array: rows.map { $0.seed.isClaim ? session.replica : nil })
    row.bind(array: rows.map { Int64($0.seed.attemptNumber) })
    row.bind(array: rows.map { $0.seed.completedAt?.milliseconds })
    row.bind(array: rows.map { $0.seed.failure?.code.rawValue })
    row.bind(array: rows.map { ($0.seed.failure?.message).map(StoredText.init) })
    row.bind(array: rows.map { $0.seed.flags($0.request).rawValue })
    row.bind(array: rows.map { Array($0.seed.ledgerID.bytes) })
    row.bind(array: rows.map { $0.request.bodyHash.bytes })
    row.bind(array: rows.map(\.request.receivedAt.milliseconds))
    row.bind(
      array: rows.map { $0.request.envelope.identity.kind == .fingerprint ? $0.request.deliveryGeneration : nil })
    row.bind(array: envelopes.map(\.storedCorrelationID))
    row.bind(array: envelopes.map(\.replyTo))
    row.bind(array: envelopes.map { StoredText($0.tags.tenant) })
    row.bind(array: envelopes.map { $0.tags.costCenter.map(StoredText.init) })
    row.bind(array: envelopes.map { $0.tags.user.map(StoredText.init) })
    row.bind(array: envelopes.map { $0.tags.service.map(StoredText.init) })
    row.bind(array: envelopes.map { $0.tags.environment.map(StoredText.init) })
    row.bind(array: envelopes.map { RequestContext($0).bytes })
    row.bind(array: envelopes.map { $0.replayNonce.map(StoredText.init) })
    row.bind(array: calls.map { $0.map { Int16($0.lane.rawValue) } })
    row.bind(array: calls.map { $0.map { Int16($0.endpoint.rawValue) } })
    row.bind(array: try calls.map { try $0.map { Int32(clamping: try session.id(ofModel: $0.model)) } })
    row.bind(array: try calls.map { try $0.map { Int32(clamping: try session.id(of: $0.route)) } })
    row.bind(array: calls.map { $0?.tokens ?? 0 })
    row.bind(array: calls.map { Int64($0?.body.bytes.count ?? 0) })
    row.bind(array: calls.map { Int64($0?.body.modelRange.lowerBound ?? 0) })
    row.bind(array: calls.map { Int64($0?.body.modelRange.count ?? 0) })
    row.bind(array: calls.map { $0?.deadline?.milliseconds })
    row.bind(array: rows.map { Int16($0.seed.callClass.rawValue) })
    row.bind(array: calls.map { $0?.callCeiling?.value })
    row.bind(array: calls.map { $0?.batchCeiling?.value })
    row.bind(array: calls.map { $0?.promptOrder ?? 0 })
    row.bind(array: calls.map { $0?.mergeKey?.digest.bytes })
    return Set(try row.all { try $0.integer(0) })
  }

  func insertBodies(_ bodies: [(request: Int64, bytes: [UInt8]?, properties: [UInt8])]) throws {
    let row = insertBodies.start()
    row.bind(array: bodies.map(\.request))
    row.bind(array: bodies.map(\.bytes))
    row.bind(array: bodies.map { $0.properties.isEmpty && $0.bytes != nil ? nil : $0.properties })
    try row.run()
  }

  func lock(_ key: CallKey) throws {
    lockKey.start().bind(key.lockNumber)
    try lockKey.run()
  }

  func mergeable(_ key: MergeKey) throws -> Int64? {
    selectMergeable.start().bind(key.digest.bytes)
    return try selectMergeable.first { try $0.integer(0) }
  }

  func latestOrdinal(_ key: CallKey) throws -> Int64? {
    selectLatest.start().bind(key.bytes)
    return try selectLatest.first { try $0.integer(0) }
  }

  func ordinal(_ key: CallKey, nonce: String) throws -> Int64? {
    selectNonce.start().bind(key.bytes)
    selectNonce.bind(StoredText(nonce))
    return try selectNonce.first { try $0.integer(0) }
  }

  func unacked(_ key: CallKey, otherThan generation: Int64) throws -> Int64? {
    selectUnacked.start().bind(key.bytes)
    selectUnacked.bind(generation)
    return try selectUnacked.first { try $0.integer(0) }
  }

  func setGeneration(_ generation: Int64, of id: Int64) throws {
    updateGeneration.start().bind(generation)
    updateGeneration.bind(id)
    try updateGeneration.run()
  }

  func clearGenerations(of ids: [Int64]) throws {
    clearGenerations.start().bind(array: ids)
    try clearGenerations.run()
  }

  /// Unless redeliveries have renewed them.
  func clear(_ marks: [AckMark]) throws {
    // In one order everywhere, so that two replicas don't wait for each other.
    let marks = marks.sorted { $0.id.rawValue < $1.id.rawValue }
    clearMarks.start().bind(array: marks.map(\.id.rawValue))
    clearMarks.bind(array: marks.map(\.generation))
    try clearMarks.run()
  }

  func claim(_ id: Int64, owner: Int64) throws {
    updateClaim.start().bind(owner)
    updateClaim.bind(id)
    try updateClaim.run()
  }

  func keep(_ id: Int64, as call: NewCall, notBefore: Timestamp, _ session: WriteSession) throws {
    updateKept.start().bind(Int16(call.lane == .deferred ? RowState.accepted.rawValue : RowState.parked.rawValue))
    updateKept.bind(notBefore.milliseconds)
    updateKept.bind(Int16(call.lane.rawValue))
    updateKept.bind(Int16(call.endpoint.rawValue))
    updateKept.bind(Int32(clamping: try session.id(ofModel: call.model)))
    updateKept.bind(Int32(clamping: try session.id(of: call.route)))
    updateKept.bind(call.tokens)
    updateKept.bind(Int64(call.body.bytes.count))
    updateKept.bind(Int64(call.body.modelRange.lowerBound))
    updateKept.bind(Int64(call.body.modelRange.count))
    updateKept.bind(call.callCeiling?.value)
    updateKept.bind(call.batchCeiling?.value)
    updateKept.bind(id)
    try updateKept.run()
  }
}

extension NewRequest {
  fileprivate var call: NewCall? {
    if case .call(let call) = content { call } else { nil }
  }
}

extension CallKey {
  var bytes: [UInt8] { unsafe withUnsafeBytes { unsafe Array($0) } }
}
