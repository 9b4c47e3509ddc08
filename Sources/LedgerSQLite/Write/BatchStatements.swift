import BatchCore
import Ledger
import Wire

/// Statements about batches and the rows in them.
struct BatchStatements {
  let insertBatch: Statement
  let selectRow: Statement
  let assignRow: Statement
  let selectInBatch: Statement
  let releaseAll: Statement
  let selectState: Statement
  let updateCreating: Statement
  let updatePlanned: Statement
  let updateSubmitted: Statement
  let updateEnded: Statement
  let countUnsettled: Statement
  let selectParked: Statement
  private let shiftAccepted: Statement
  private let shiftParked: Statement

  init(_ connection: OpaquePointer) throws {
    insertBatch = try Statement(
      connection,
      """
      INSERT INTO batch(
        state, label, account, lane, provider, model, endpoint, deadline_class, closed_by, row_count, tokens, body_bytes,
        model_range_bytes, custom_id_bytes, content_hash, created_at, halvings
      ) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
      """)
    selectRow = try Statement(
      connection,
      """
      SELECT state, deadline, tokens, body_bytes, model_length, attempt_no, body_hash FROM request WHERE id = ?
      """)
    assignRow = try Statement(
      connection, "UPDATE request SET state = 3, batch_id = ?, attempt_no = attempt_no + 1 WHERE id = ?")
    selectInBatch = try Statement(
      connection, "SELECT id FROM request INDEXED BY request_batch WHERE batch_id = ? AND state = 3 ORDER BY id")
    releaseAll = try Statement(
      connection,
      """
      UPDATE request INDEXED BY request_batch SET state = 0, not_before = ? WHERE batch_id = ? AND state = 3
      """)
    selectState = try Statement(connection, "SELECT state, provider_batch_id FROM batch WHERE id = ?")
    updateCreating = try Statement(connection, "UPDATE batch SET state = 1, input_file_id = ? WHERE id = ?")
    updatePlanned = try Statement(connection, "UPDATE batch SET state = 0, input_file_id = NULL WHERE id = ?")
    updateSubmitted = try Statement(
      connection, "UPDATE batch SET state = 2, provider_batch_id = ?, submitted_at = ? WHERE id = ?")
    updateEnded = try Statement(connection, "UPDATE batch SET state = ?, ended_at = ? WHERE id = ?")
    countUnsettled = try Statement(
      connection,
      "SELECT count(*) FROM request INDEXED BY request_batch WHERE batch_id = ? AND state = 3")
    selectParked = try Statement(
      connection,
      """
      SELECT r.id, r.attempt_no, r.endpoint, m.name, r.model_offset, r.model_length, b.bytes, r.tokens, r.deadline,
        r.received_at
      FROM request r INDEXED BY request_parked JOIN model m ON m.id = r.model JOIN body b ON b.request_id = r.id
      WHERE r.state = 1 AND r.route = ? AND r.not_before <= ? ORDER BY r.not_before, r.id LIMIT ?
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
    for statement in [shiftAccepted, shiftParked] {
      statement.start().bind(step.wholeMilliseconds)
      statement.bind(after.milliseconds)
      statement.bind(upTo.milliseconds)
      try statement.run()
    }
  }
}
