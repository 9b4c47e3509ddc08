import BatchCore
import Ledger
import LedgerRules
import Wire

/// Reads open rows and batches.
final class RowReader: ReadSession {
  let snapshot: Snapshot
  let places: PlaceReader
  private let selectAccepted: Statement
  private let selectBodies: Statement
  private let selectUnsettled: Statement
  private let selectBatches: Statement
  private let selectLines: Statement
  private let selectOtherClass: Statement
  private let selectNextRoute: Statement
  private let selectCancellable: Statement
  private let selectMarks: Statement
  private let selectPending: Statement
  private let selectBacklog: Statement
  private let selectBacklogBytes: Statement
  private let selectResolution: Statement
  private let selectVersion: Statement

  init(_ connection: OpaquePointer) throws {
    snapshot = try Snapshot(connection)
    places = try PlaceReader(connection)
    selectAccepted = try Statement(
      connection,
      """
      SELECT r.id, r.endpoint, t.provider, t.model, r.tokens, r.body_bytes, r.deadline, r.received_at, r.not_before,
        r.attempts, m.name, b.cancelled_at IS NOT NULL
      FROM request r INDEXED BY request_accepted JOIN route t ON t.id = r.route JOIN model m ON m.id = r.model
        LEFT JOIN batch b ON b.id = r.batch_id
      WHERE r.state = 0 AND r.id > ? ORDER BY r.id LIMIT ?
      """)
    // A row that has left the batch since then still says where the reading goes on.
    let inBatch = """
      WHERE r.state = 3 AND r.batch_id = ?1
        AND (r.prompt_order, r.id) > (ifnull((SELECT prompt_order FROM request WHERE id = ?2), -1), ?2)
      ORDER BY r.prompt_order, r.id LIMIT ?3
      """
    selectBodies = try Statement(
      connection,
      """
      SELECT r.id, r.attempt_no, b.bytes, r.model_offset, r.model_length, r.tokens, r.tenant
      FROM request r INDEXED BY request_batch JOIN body b ON b.request_id = r.id
      \(inBatch)
      """)
    selectUnsettled = try Statement(
      connection,
      """
      SELECT r.id, ifnull(r.running_attempt, r.attempt_no), r.deadline, r.tokens, r.running_attempt IS NOT NULL, m.name
      FROM request r INDEXED BY request_batch CROSS JOIN model m ON m.id = r.model
      \(inBatch)
      """)
    selectBatches = try Statement(
      connection, "SELECT \(BatchRecord.columns) FROM batch INDEXED BY batch_open WHERE state <= 2 ORDER BY id")
    selectLines = try Statement(connection, "SELECT lines FROM batch WHERE id = ? AND lines IS NOT NULL")
    // From line to line, so that it costs what there are of them and not what is parked. Two statements, since SQLite goes
    // through all entries that share the first of two compared columns.
    func selectParked(_ condition: String) throws -> Statement {
      try Statement(
        connection,
        """
        SELECT r.route, r.call_class, t.provider, t.model, r.not_before
        FROM request r INDEXED BY request_parked CROSS JOIN route t ON t.id = r.route
        WHERE r.state = 1 AND \(condition) ORDER BY r.route, r.call_class, r.not_before LIMIT 1
        """)
    }
    selectOtherClass = try selectParked("r.route = ? AND r.call_class > ?")
    selectNextRoute = try selectParked("r.route > ?")
    // Before it is sent a row is in one of these. Nothing else is searched, so a long history costs nothing.
    let named = "tenant = ?1 AND (correlation_id = ?2 OR (correlation_id IS NULL AND ledger_id = ?3))"
    selectCancellable = try Statement(
      connection,
      """
      SELECT id FROM request INDEXED BY request_accepted WHERE state = 0 AND \(named)
      UNION ALL SELECT id FROM request INDEXED BY request_parked WHERE state = 1 AND \(named)
      UNION ALL SELECT id FROM request INDEXED BY request_following WHERE state = 4 AND \(named)
      UNION ALL SELECT id FROM request INDEXED BY request_held WHERE state = 6 AND \(named)
      """)
    selectMarks = try Statement(
      connection,
      """
      SELECT id, ack_generation, custody FROM request INDEXED BY request_unacked
      WHERE ack_generation IS NOT NULL AND flags & \(RowFlags.queues.rawValue) = ?
        AND (custody = 1 OR state = 5)
      ORDER BY call_key, ack_generation
      """)
    selectPending = try Statement(connection, "SELECT request_id FROM outbox")
    let columns = "lane, model, tokens, received_at, deadline"
    selectBacklog = try Statement(
      connection,
      """
      SELECT o.lane, m.name, count(*), sum(o.tokens), min(o.received_at), min(o.deadline) FROM (
        SELECT \(columns) FROM request INDEXED BY request_accepted WHERE state = 0
        UNION ALL SELECT \(columns) FROM request INDEXED BY request_parked WHERE state = 1
        UNION ALL SELECT \(columns) FROM request INDEXED BY request_claimed WHERE state = 2
        UNION ALL SELECT \(columns) FROM request INDEXED BY request_batch WHERE state = 3
        UNION ALL SELECT \(columns) FROM request INDEXED BY request_held WHERE state = 6
      ) o JOIN model m ON m.id = o.model GROUP BY o.lane, m.name ORDER BY o.lane, m.name
      """)
    selectBacklogBytes = try Statement(
      connection,
      """
      SELECT
        (SELECT ifnull(sum(body_bytes), 0) FROM request INDEXED BY request_accepted WHERE state = 0)
        + (SELECT ifnull(sum(body_bytes), 0) FROM request INDEXED BY request_parked WHERE state = 1)
        + (SELECT ifnull(sum(body_bytes), 0) FROM request INDEXED BY request_held WHERE state = 6)
        + (SELECT ifnull(sum(body_bytes), 0) FROM batch INDEXED BY batch_open WHERE state <= 2)
      """)
    selectResolution = try Statement(
      connection, "SELECT resolution, resolution_batch FROM batch WHERE id = ? AND resolution IS NOT NULL")
    selectVersion = try Statement(connection, "PRAGMA user_version")
  }

  func acceptedRows(after: RequestID?, limit: Int) throws -> [AcceptedRow] {
    selectAccepted.start().bind(after?.rawValue ?? 0)
    selectAccepted.bind(limit)
    return try selectAccepted.all { row in
      AcceptedRow(
        id: RequestID(row.integer(0)), endpoint: try row.value(1), model: row.text(10),
        route: Route(provider: row.text(2), model: row.text(3)), tokens: row.integer(4), bytes: row.integer(5),
        deadline: row.optionalTimestamp(6), receivedAt: row.timestamp(7), notBefore: row.timestamp(8),
        attempts: row.int(9), wasCancelled: row.integer(11) != 0)
    }
  }

  func batchRows(_ batch: BatchID, after: RequestID?, limit: Int, maximumBytes: Int) throws -> [BatchRowBody] {
    selectBodies.start().bind(batch.rawValue)
    selectBodies.bind(after?.rawValue ?? 0)
    selectBodies.bind(limit)
    var rows: [BatchRowBody] = []
    var bytes = 0
    try selectBodies.forEach { row in
      let body = try row.body(2, offset: 3, length: 4)
      bytes += body.bytes.count
      rows.append(
        BatchRowBody(
          id: RequestID(row.integer(0)), attempt: row.int(1), body: body, tenant: row.text(6), tokens: row.integer(5)))
      return bytes < maximumBytes
    }
    return rows
  }

  func unsettledRows(_ batch: BatchID, after: RequestID?, limit: Int) throws -> [UnsettledRow] {
    selectUnsettled.start().bind(batch.rawValue)
    selectUnsettled.bind(after?.rawValue ?? 0)
    selectUnsettled.bind(limit)
    return try selectUnsettled.all { row in
      UnsettledRow(
        id: RequestID(row.integer(0)), attempt: row.int(1), model: row.text(5), deadline: row.optionalTimestamp(2),
        tokens: row.integer(3), wasRescued: row.integer(4) != 0)
    }
  }

  func openBatches() throws -> [BatchRecord] {
    try selectBatches.start().all { try BatchRecord($0) }
  }

  func lines(of batch: BatchID) throws -> BatchLines? {
    selectLines.start().bind(batch.rawValue)
    guard let bytes = try selectLines.first({ $0.bytes(0) }) else { return nil }
    guard let lines = StoredLines.decode(bytes) else { throw DamagedTables("the lines of batch \(batch.rawValue)") }
    return lines
  }

  func resolution(of batch: BatchID) throws -> BatchResolution? {
    selectResolution.start().bind(batch.rawValue)
    return try selectResolution.first { row in
      switch try row.value(0, StoredResolution.self) {
      case .adopt: .adopt(row.text(1))
      case .resubmit: .resubmit
      case .giveUp: .giveUp
      }
    }
  }

  func parkedLines() throws -> [(line: ParkedLine, notBefore: Timestamp)] {
    var lines: [(line: ParkedLine, notBefore: Timestamp)] = []
    var last: (route: Int64, callClass: Int64) = (0, 0)
    func take(_ row: Statement) throws {
      last = (row.integer(0), row.integer(1))
      let line = ParkedLine(route: Route(provider: row.text(2), model: row.text(3)), callClass: try row.value(1))
      lines.append((line, row.timestamp(4)))
    }
    while true {
      selectOtherClass.start().bind(last.route)
      selectOtherClass.bind(last.callClass)
      if try selectOtherClass.first(take) != nil { continue }
      selectNextRoute.start().bind(last.route)
      if try selectNextRoute.first(take) == nil { return lines }
    }
  }

  /// Rows that may be cancelled; whether they are is decided where nothing can change meanwhile.
  func cancellable(tenant: String, correlationID: [UInt8]) throws -> [RequestID] {
    selectCancellable.start().bind(tenant)
    selectCancellable.bind(correlationID)
    selectCancellable.bind(LedgerID(String(decoding: correlationID, as: UTF8.self))?.bytes)
    return try selectCancellable.all { RequestID($0.integer(0)) }
  }

  func marks(of queue: Lane, limit: Int) throws -> [AckMark] {
    var marks: [AckMark] = []
    var finished: [AckMark] = []
    selectMarks.start().bind(RowFlags.queue(queue).rawValue)
    try selectMarks.forEach { row in
      let mark = AckMark(id: RequestID(row.integer(0)), generation: row.integer(1))
      if try row.value(2, Custody.self) == .ledger { marks.append(mark) } else { finished.append(mark) }
      return marks.count + finished.count < limit
    }
    if finished.isEmpty { return marks }
    // All of the outbox, which has no index by request.
    let pending = Set(try selectPending.start().all { $0.integer(0) })
    return marks + finished.filter { !pending.contains($0.id.rawValue) }
  }

  func backlog() throws -> [BacklogEntry] {
    try selectBacklog.start().all { row in
      BacklogEntry(
        lane: try row.value(0), model: row.text(1), requests: row.int(2), tokens: row.integer(3),
        oldest: row.timestamp(4), earliestDeadline: row.optionalTimestamp(5))
    }
  }

  func backlogBytes() throws -> Int64 {
    try selectBacklogBytes.start().first { $0.integer(0) } ?? 0
  }

  func schemaVersion() throws -> Int64 {
    try selectVersion.start().first { $0.integer(0) } ?? 0
  }
}

extension Statement {
  func all<Value>(_ body: (Statement) throws -> Value) throws -> [Value] {
    var values: [Value] = []
    try forEach { row in
      values.append(try body(row))
      return true
    }
    return values
  }
}
