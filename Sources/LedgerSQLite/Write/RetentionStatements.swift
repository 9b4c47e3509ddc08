import BatchCore
import Ledger
import LedgerRules

/// Statements that remove what is kept no longer.
struct RetentionStatements {
  private let selectLater: Statement
  private let selectRequest: Statement
  private let selectSubscriber: Statement
  private let deleteAnswer: Statement
  private let deleteAttempts: Statement
  private let deleteBody: Statement
  private let deleteShares: Statement
  private let deleteBudgets: Statement
  private let deleteRequest: Statement
  private let deleteBatch: Statement
  private let dropResponse: Statement
  private let markForgotten: Statement
  private let updateDroppedTo: Statement
  private let updateHighest: [Statement]

  /// Whether a call has a subscriber besides its leader: they have the places after the leader's.
  static let subscriber = "SELECT 1 FROM request WHERE call_key = ? AND ordinal > ? AND ordinal < ? LIMIT 1"

  static func isFollowed(_ statement: Statement, key: [UInt8], ordinal: Int64) throws -> Bool {
    statement.start().bind(key)
    statement.bind(ordinal)
    statement.bind(Ordinal.leader(Ordinal.generation(ordinal) + 1))
    return try statement.first { _ in true } ?? false
  }

  init(_ connection: OpaquePointer) throws {
    selectLater = try Statement(
      connection,
      """
      SELECT o.request_id, r.leader_id FROM outbox o JOIN request r ON r.id = o.request_id
      WHERE o.seq > ? OR (o.seq < 0 AND o.seq > ?)
      """)
    selectRequest = try Statement(
      connection,
      """
      SELECT kind, call_key, ordinal, answer_id FROM request
      WHERE id = ? AND state = 5 AND completed_at < ? AND running_attempt IS NULL
      """)
    selectSubscriber = try Statement(connection, Self.subscriber)
    deleteAnswer = try Statement(connection, "DELETE FROM attempt WHERE id = ?")
    deleteAttempts = try Statement(
      connection, "DELETE FROM attempt INDEXED BY attempt_ended WHERE request_id = ? AND outcome <> 0")
    deleteBody = try Statement(connection, "DELETE FROM body WHERE request_id = ?")
    deleteShares = try Statement(connection, "DELETE FROM budget_share WHERE request_id = ?")
    deleteBudgets = try Statement(connection, "DELETE FROM budget WHERE period < ?")
    deleteRequest = try Statement(connection, "DELETE FROM request WHERE id = ?")
    deleteBatch = try Statement(connection, "DELETE FROM batch WHERE id = ? AND state >= 3")
    dropResponse = try Statement(
      connection, "UPDATE attempt SET response = NULL WHERE id = ? AND response IS NOT NULL")
    markForgotten = try Statement(
      connection, "UPDATE request SET flags = flags | \(RowFlags.forgotten.rawValue) WHERE id = ?")
    updateHighest = try ["request", "attempt"].map { table in
      try Statement(
        connection,
        """
        UPDATE meta SET value = max(value, (SELECT ifnull(max(id), 0) FROM \(table))) WHERE name = 'highest_\(table)'
        """)
    }
    updateDroppedTo = try Statement(connection, "UPDATE meta SET value = ? WHERE name = 'responses_dropped_to'")
  }

  /// Requests whose replies became ready after the one with this number, and their leaders.
  func ready(after number: Int64?) throws -> Set<Int64> {
    selectLater.start().bind(ReplyPlace.place(number ?? 0, .bulk))
    selectLater.bind(ReplyPlace.place(number ?? 0, .urgent))
    var ids: Set<Int64> = []
    try selectLater.forEach { row in
      ids.insert(row.integer(0))
      if let leader = row.optionalInteger(1) { ids.insert(leader) }
      return true
    }
    return ids
  }

  /// Notes the ids that were given out, before rows with them are removed.
  func keepIDs() throws { for statement in updateHighest { try statement.start().run() } }

  /// Returns whether the request was removed: it may have been asked for again meanwhile.
  func remove(_ id: Int64, before: Timestamp) throws -> Bool {
    selectRequest.start().bind(id)
    selectRequest.bind(before)
    let found = try selectRequest.first { row in
      (kind: try row.value(0, RowKind.self), key: row.bytes(1), ordinal: row.integer(2), answer: row.optionalInteger(3))
    }
    guard let found else { return false }
    if found.kind == .leader {
      guard try !Self.isFollowed(selectSubscriber, key: found.key, ordinal: found.ordinal) else { return false }
    }
    if let answer = found.answer {
      deleteAnswer.start().bind(answer)
      try deleteAnswer.run()
    }
    for statement in [deleteAttempts, deleteBody, deleteShares, deleteRequest] {
      statement.start().bind(id)
      try statement.run()
    }
    return true
  }

  /// Later than any request of theirs is kept; one that still ends makes its own anew, where it counts for nothing.
  func removeBudgets(before: Timestamp) throws {
    deleteBudgets.start().bind(before + .seconds(-2 * 31 * 86_400))
    try deleteBudgets.run()
  }

  func removeBatch(_ id: Int64) throws -> Bool {
    deleteBatch.start().bind(id)
    return try deleteBatch.run() == 1
  }

  func removeBody(of id: Int64) throws -> Bool {
    deleteBody.start().bind(id)
    return try deleteBody.run() == 1
  }

  func drop(_ response: RetentionReader.Response) throws -> Bool {
    markForgotten.start().bind(response.request)
    try markForgotten.run()
    dropResponse.start().bind(response.attempt)
    return try dropResponse.run() == 1
  }

  func setDropped(to attempt: Int64) throws {
    updateDroppedTo.start().bind(attempt)
    try updateDroppedTo.run()
  }
}
