import BatchCore
import Ledger
import LedgerRules
import Wire

/// Reads open rows and batches.
struct RowReader {
  let places: PlaceReader
  let deadlines: DeadlineReader
  private let selectAccepted: PreparedStatement
  private let selectOffered: PreparedStatement
  private let selectBodies: PreparedStatement
  private let selectUnsettled: PreparedStatement
  private let selectBatches: PreparedStatement
  private let selectLines: PreparedStatement
  private let selectParkedLines: PreparedStatement
  private let selectCancellable: PreparedStatement
  private let selectProgress: PreparedStatement
  private let selectMarks: PreparedStatement
  private let selectBacklog: PreparedStatement
  private let selectBacklogBytes: PreparedStatement
  private let selectOffers: PreparedStatement
  private let selectResolution: PreparedStatement
  private let selectServer: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    places = PlaceReader(connection)
    deadlines = DeadlineReader(connection)
    let accepted = """
      SELECT r.id, r.endpoint, t.provider, t.model, r.tokens, r.body_bytes, r.deadline, r.received_at, r.not_before,
        r.attempts, m.name, b.cancelled_at IS NOT NULL
      FROM request r JOIN route t ON t.id = r.route JOIN model m ON m.id = r.model
        LEFT JOIN batch b ON b.id = r.batch_id
      """
    selectAccepted = connection.prepare(
      "\(accepted) WHERE r.state = 0 AND r.id > $1::bigint ORDER BY r.id LIMIT $2::bigint")
    selectOffered = connection.prepare("\(accepted) WHERE r.state = 0 AND r.id = ANY($1::bigint[]) ORDER BY r.id")
    // A row that has left the batch since then still says where the reading goes on.
    let inBatch = """
      WHERE r.state = 3 AND r.batch_id = $1::bigint
        AND (r.prompt_order, r.id)
          > (coalesce((SELECT q.prompt_order FROM request q WHERE q.id = $2::bigint), -1), $2::bigint)
      ORDER BY r.prompt_order, r.id LIMIT $3::bigint
      """
    selectBodies = connection.prepare(
      """
      SELECT r.id, r.attempt_no, b.bytes, r.model_offset, r.model_length, r.tokens, r.tenant
      FROM request r JOIN body b ON b.request_id = r.id
      \(inBatch)
      """)
    selectUnsettled = connection.prepare(
      """
      SELECT r.id, coalesce(r.running_attempt, r.attempt_no), r.deadline, r.tokens, r.running_attempt IS NOT NULL, m.name
      FROM request r JOIN model m ON m.id = r.model
      \(inBatch)
      """)
    selectBatches = connection.prepare("SELECT \(BatchRecord.columns) FROM batch WHERE state <= 2 ORDER BY id")
    selectLines = connection.prepare("SELECT lines FROM batch WHERE id = $1::bigint AND lines IS NOT NULL")
    // From line to line, so that it costs what there are of them and not what is parked.
    selectParkedLines = connection.prepare(
      """
      WITH RECURSIVE line(route, call_class, not_before) AS (
        (SELECT route, call_class, not_before FROM request WHERE state = 1
          ORDER BY route, call_class, not_before LIMIT 1)
        UNION ALL
        SELECT next.* FROM line CROSS JOIN LATERAL (
          SELECT r.route, r.call_class, r.not_before FROM request r
          WHERE r.state = 1 AND (r.route, r.call_class) > (line.route, line.call_class)
          ORDER BY r.route, r.call_class, r.not_before LIMIT 1
        ) next
      )
      SELECT t.provider, t.model, line.call_class, line.not_before FROM line JOIN route t ON t.id = line.route
      """)
    // Before it is sent a row is in one of these. Nothing else is searched, so a long history costs nothing.
    let named = """
      tenant = $1::text AND (correlation_id = $2::bytea OR (correlation_id IS NULL AND ledger_id = $3::bytea))
      """
    selectCancellable = connection.prepare(
      """
      SELECT id FROM request WHERE state = 0 AND \(named)
      UNION ALL SELECT id FROM request WHERE state = 1 AND \(named)
      UNION ALL SELECT id FROM request WHERE state = 4 AND \(named)
      UNION ALL SELECT r.id FROM budget_hold h JOIN request r ON r.id = h.request_id
        WHERE h.blocks AND r.state = 6 AND \(named)
      """)
    selectProgress = connection.prepare(
      """
      SELECT r.id, r.state, c.state, c.custody, EXISTS (SELECT FROM outbox o WHERE o.request_id = r.id),
        EXISTS (SELECT FROM replica p WHERE p.id = c.owner)
      FROM request r JOIN request c ON c.id = coalesce(r.leader_id, r.id) WHERE r.id = ANY($1::bigint[])
      """)
    // In the order of the index of marks, so that it costs what there are of them and not what is kept.
    selectMarks = connection.prepare(
      """
      SELECT id, ack_generation FROM request r WHERE ack_generation IS NOT NULL
        AND flags & \(RowFlags.queues.rawValue) = $1::bigint
        AND (custody = 1 OR (state = 5 AND NOT EXISTS (SELECT FROM outbox o WHERE o.request_id = r.id)))
      ORDER BY call_key, ack_generation LIMIT $2::bigint
      """)
    let columns = "lane, model, tokens, received_at, deadline"
    selectBacklog = connection.prepare(
      """
      SELECT o.lane, m.name, count(*), sum(o.tokens)::bigint, min(o.received_at), min(o.deadline) FROM (
        SELECT \(columns) FROM request WHERE state = 0
        UNION ALL SELECT \(columns) FROM request WHERE state = 1
        UNION ALL SELECT \(columns) FROM request WHERE state = 2
        UNION ALL SELECT \(columns) FROM request WHERE state = 3
        UNION ALL SELECT \(columns) FROM budget_hold h JOIN request r ON r.id = h.request_id WHERE h.blocks AND r.state = 6
      ) o JOIN model m ON m.id = o.model GROUP BY o.lane, m.name ORDER BY o.lane, m.name
      """)
    selectBacklogBytes = connection.prepare(
      """
      SELECT (
        coalesce((SELECT sum(body_bytes) FROM request WHERE state = 0), 0)
        + coalesce((SELECT sum(body_bytes) FROM request WHERE state = 1), 0)
        + coalesce((
          SELECT sum(r.body_bytes) FROM budget_hold h JOIN request r ON r.id = h.request_id WHERE h.blocks AND r.state = 6), 0)
        + coalesce((SELECT sum(body_bytes) FROM batch WHERE state <= 2), 0))::bigint
      """)
    selectOffers = connection.prepare("SELECT EXISTS (SELECT FROM window_offer WHERE owner = $1::bigint)")
    selectResolution = connection.prepare(
      "SELECT resolution, resolution_batch FROM batch WHERE id = $1::bigint AND resolution IS NOT NULL")
    selectServer = connection.prepare(
      """
      SELECT (SELECT value FROM meta WHERE name = 'version'), current_setting('server_version'),
        (SELECT count(*) FROM replica)
      """)
  }

  func acceptedRows(after: RequestID?, limit: Int) throws -> [AcceptedRow] {
    selectAccepted.start().bind(after?.rawValue ?? 0)
    selectAccepted.bind(Int64(limit))
    return try selectAccepted.all(AcceptedRow.init)
  }

  func acceptedRows(_ ids: [Int64]) throws -> [AcceptedRow] {
    selectOffered.start().bind(array: ids)
    return try selectOffered.all(AcceptedRow.init)
  }

  func batchRows(_ batch: BatchID, after: RequestID?, limit: Int, maximumBytes: Int) throws -> [BatchRowBody] {
    var rows: [BatchRowBody] = []
    var bytes = 0
    var last = after?.rawValue ?? 0
    // A page may hold far more than the caller wants to have in memory at once.
    while rows.count < limit, bytes < maximumBytes {
      selectBodies.start().bind(batch.rawValue)
      selectBodies.bind(last)
      selectBodies.bind(Int64(min(limit - rows.count, Self.bodyPage)))
      let page = try selectBodies.all { row in
        BatchRowBody(
          id: RequestID(try row.integer(0)), attempt: try row.int(1), body: try row.body(2, offset: 3, length: 4),
          tenant: try row.text(6), tokens: try row.integer(5))
      }
      guard let end = page.last else { break }
      last = end.id.rawValue
      for row in page where bytes < maximumBytes {
        bytes += row.body.bytes.count
        rows.append(row)
      }
    }
    return rows
  }

  private static let bodyPage = 64

  func unsettledRows(_ batch: BatchID, after: RequestID?, limit: Int) throws -> [UnsettledRow] {
    selectUnsettled.start().bind(batch.rawValue)
    selectUnsettled.bind(after?.rawValue ?? 0)
    selectUnsettled.bind(Int64(limit))
    return try selectUnsettled.all { row in
      UnsettledRow(
        id: RequestID(try row.integer(0)), attempt: try row.int(1), model: try row.text(5),
        deadline: try row.optionalTimestamp(2), tokens: try row.integer(3), wasRescued: try row.bool(4))
    }
  }

  func openBatches() throws -> [BatchRecord] { try selectBatches.start().all(BatchRecord.init) }

  func parkedLines() throws -> [(line: ParkedLine, notBefore: Timestamp)] {
    try selectParkedLines.start().all { row in
      let route = Route(provider: try row.text(0), model: try row.text(1))
      return (ParkedLine(route: route, callClass: try row.value(2)), try row.timestamp(3))
    }
  }

  /// Rows that may be cancelled; whether they are is decided where nothing can change meanwhile.
  func cancellable(tenant: String, correlationID: [UInt8]) throws -> [RequestID] {
    selectCancellable.start().bind(StoredText(tenant))
    selectCancellable.bind(correlationID)
    selectCancellable.bind(LedgerID(String(decoding: correlationID, as: UTF8.self))?.bytes)
    return try selectCancellable.all { RequestID(try $0.integer(0)) }
  }

  func progress(of rows: [RequestID]) throws -> [RequestProgress] {
    selectProgress.start().bind(array: rows.map(\.rawValue))
    var found: [Int64: RequestProgress] = [:]
    try selectProgress.forEach { row in
      found[try row.integer(0)] = RequestProgress(
        state: try row.value(1), call: try row.value(2), custody: try row.value(3), isInOutbox: try row.bool(4),
        isLive: try row.bool(5))
      return true
    }
    // A row that is not there any more was answered long ago.
    return rows.map { found[$0.rawValue] ?? .delivered }
  }

  func marks(of queue: Lane, limit: Int) throws -> [AckMark] {
    selectMarks.start().bind(RowFlags.queue(queue).rawValue)
    selectMarks.bind(Int64(limit))
    return try selectMarks.all { AckMark(id: RequestID(try $0.integer(0)), generation: try $0.integer(1)) }
  }

  func lines(of batch: BatchID) throws -> BatchLines? {
    selectLines.start().bind(batch.rawValue)
    guard let bytes = try selectLines.first({ try $0.bytes(0) }) else { return nil }
    guard let lines = StoredLines.decode(bytes) else { throw DamagedTables("the lines of batch \(batch.rawValue)") }
    return lines
  }

  func resolution(of batch: BatchID) throws -> BatchResolution? {
    selectResolution.start().bind(batch.rawValue)
    return try selectResolution.first { row in
      switch try row.value(0, StoredResolution.self) {
      case .adopt: .adopt(try row.text(1))
      case .resubmit: .resubmit
      case .giveUp: .giveUp
      }
    }
  }

  func hasOffers(_ replica: Int64) throws -> Bool {
    selectOffers.start().bind(replica)
    return try selectOffers.first { try $0.bool(0) } ?? false
  }

  func backlog() throws -> [BacklogEntry] {
    try selectBacklog.start().all { row in
      BacklogEntry(
        lane: try row.value(0), model: try row.text(1), requests: try row.int(2), tokens: try row.integer(3),
        oldest: try row.timestamp(4), earliestDeadline: try row.optionalTimestamp(5))
    }
  }

  func backlogBytes() throws -> Int64 { try selectBacklogBytes.start().first { try $0.integer(0) } ?? 0 }

  func server() throws -> (schema: Int64, version: String, replicas: Int) {
    guard
      let found = try selectServer.start().first({ (try $0.integer(0), try $0.text(1), try $0.int(2)) })
    else { throw DamagedTables("the schema's version") }
    return found
  }
}

extension AcceptedRow {
  fileprivate init(_ row: PostgresRow) throws {
    self.init(
      id: RequestID(try row.integer(0)), endpoint: try row.value(1), model: try row.text(10),
      route: Route(provider: try row.text(2), model: try row.text(3)), tokens: try row.integer(4),
      bytes: try row.integer(5), deadline: try row.optionalTimestamp(6), receivedAt: try row.timestamp(7),
      notBefore: try row.timestamp(8), attempts: try row.int(9), wasCancelled: try row.bool(11))
  }
}

extension RequestProgress {
  fileprivate init(state: RowState, call: RowState, custody: Custody, isInOutbox: Bool, isLive: Bool) {
    if state == .finished {
      self = isInOutbox ? .answered : .delivered
    } else if call == .claimed && custody == .broker {
      self = isLive ? .underway : .abandoned
    } else {
      self = custody == .ledger ? .kept : .underway
    }
  }
}
