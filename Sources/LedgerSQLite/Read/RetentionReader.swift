import BatchCore
import Ledger
import LedgerRules

/// Finds what the retention may remove. It walks the tables in the order of their ids, which is the order of arrival, and
/// remembers where it is, so that a step costs what it looks at and not what is kept. What it finds is looked at once more
/// where it is removed.
final class RetentionReader: ReadSession {
  /// What one step removes.
  struct Found: Sendable {
    var requests: [Int64] = []
    /// Batches of which no request is left.
    var batches: [Int64] = []
    /// Requests whose body goes.
    var bodies: [Int64] = []
    var responses: [Response] = []
    /// Replies that became ready after this place are not considered here.
    var lastReply: Int64?
  }

  /// The answer of an attempt.
  struct Response: Sendable {
    var attempt: Int64
    var request: Int64
  }

  let snapshot: Snapshot
  private let selectLast: Statement
  private let selectOutbox: Statement
  private let selectRequests: Statement
  private let selectSubscriber: Statement
  private let selectBatches: Statement
  private let selectBodies: Statement
  private let selectResponses: Statement
  private let selectDroppedTo: Statement
  /// Rows that are read at once: others have their turn between.
  private static let page = 2000
  /// With more replies than this in the outbox the broker is away, and what may go is not worth the search.
  private static let mostReplies = 100_000

  private var requestCursor: Int64 = 0
  private var keptBatches: Set<Int64> = []
  private var bodyCursor: Int64 = 0
  /// Up to this attempt responses are dropped.
  private var droppedTo: Int64?

  init(_ connection: OpaquePointer) throws {
    snapshot = try Snapshot(connection)
    selectLast = try Statement(
      connection,
      """
      SELECT ifnull(max(CASE WHEN seq < 0 THEN seq - (\(ReplyPlace.start(.urgent))) ELSE seq END), 0), count(*) FROM outbox
      """)
    selectOutbox = try Statement(
      connection, "SELECT o.request_id, r.leader_id FROM outbox o JOIN request r ON r.id = o.request_id")
    selectRequests = try Statement(
      connection,
      """
      SELECT id, state, kind, completed_at, received_at, batch_id, call_key, ordinal, running_attempt
      FROM request WHERE id > ? ORDER BY id LIMIT \(Self.page)
      """)
    selectSubscriber = try Statement(connection, RetentionStatements.subscriber)
    selectBatches = try Statement(
      connection, "SELECT id, state, ended_at, created_at, double_spend_at FROM batch ORDER BY id")
    selectBodies = try Statement(
      connection,
      """
      SELECT b.request_id, r.state, r.completed_at, r.received_at
      FROM body b CROSS JOIN request r ON r.id = b.request_id WHERE b.request_id > ? ORDER BY b.request_id
      LIMIT \(Self.page)
      """)
    selectResponses = try Statement(
      connection,
      """
      SELECT id, request_id, ended_at, response IS NOT NULL FROM attempt WHERE id > ? ORDER BY id LIMIT \(Self.page)
      """)
    selectDroppedTo = try Statement(connection, "SELECT value FROM meta WHERE name = 'responses_dropped_to'")
  }

  /// Looks at one page of each table. `isAtEnd` says that there is nothing more for now.
  func find(finishedBefore: Timestamp, bodiesBefore: Timestamp, _ found: inout Found, limit: Int) throws -> Bool {
    let (last, count) = try selectLast.start().first { ($0.integer(0), $0.int(1)) } ?? (0, 0)
    // The first page's, as what it found is as old as that.
    found.lastReply = found.lastReply ?? last
    guard count <= Self.mostReplies else { return true }
    var pinned: Set<Int64> = []
    try selectOutbox.start().forEach { row in
      pinned.insert(row.integer(0))
      if let leader = row.optionalInteger(1) { pinned.insert(leader) }
      return true
    }
    let requestsEnd = try findRequests(before: finishedBefore, pinned, &found, limit)
    let responsesEnd = try findResponses(before: bodiesBefore, pinned, &found, limit)
    let bodiesEnd = try findBodies(before: bodiesBefore, pinned, &found, limit)
    return requestsEnd && responsesEnd && bodiesEnd
  }

  // MARK: Requests and batches

  private func findRequests(
    before: Timestamp, _ pinned: Set<Int64>, _ found: inout Found, _ limit: Int
  ) throws -> Bool {
    if found.requests.count >= limit { return true }
    var seen = 0
    var isAtEnd = false
    selectRequests.start().bind(requestCursor)
    try selectRequests.forEach { row in
      guard row.timestamp(4) < before else {
        isAtEnd = true
        return false
      }
      let id = row.integer(0)
      seen += 1
      requestCursor = id
      if try isOver(row, before), !pinned.contains(id), try !isFollowed(row) {
        found.requests.append(id)
      } else if let batch = row.optionalInteger(5) {
        keptBatches.insert(batch)
      }
      return found.requests.count < limit
    }
    if found.requests.count >= limit { return true }
    guard isAtEnd || seen < Self.page else { return false }
    // Every request that arrived before was looked at: batches that none of the kept ones names are empty.
    try findBatches(before: before, &found, limit)
    requestCursor = 0
    keptBatches = []
    return true
  }

  private func isOver(_ row: Statement, _ before: Timestamp) throws -> Bool {
    guard try row.value(1, RowState.self) == .finished, let completed = row.optionalTimestamp(3) else { return false }
    // What an attempt costs that runs in a batch besides is still to be noted.
    if row.optionalInteger(8) != nil { return false }
    return completed < before
  }

  private func isFollowed(_ row: Statement) throws -> Bool {
    guard try row.value(2, RowKind.self) == .leader else { return false }
    return try RetentionStatements.isFollowed(selectSubscriber, key: row.bytes(6), ordinal: row.integer(7))
  }

  private func findBatches(before: Timestamp, _ found: inout Found, _ limit: Int) throws {
    try selectBatches.start().forEach { row in
      guard row.timestamp(3) < before, found.batches.count < limit else { return false }
      let isEnded = try row.value(1, BatchRecord.State.self).isEnded
      guard isEnded, let ended = row.optionalTimestamp(2), ended < before else { return true }
      // What was paid twice within the day counts against its limit.
      if let spent = row.optionalTimestamp(4), spent >= SpendLimit.since(before) { return true }
      if !keptBatches.contains(row.integer(0)) { found.batches.append(row.integer(0)) }
      return true
    }
  }

  // MARK: Bodies

  private func findBodies(
    before: Timestamp, _ pinned: Set<Int64>, _ found: inout Found, _ limit: Int
  ) throws -> Bool {
    if found.bodies.count >= limit { return true }
    var seen = 0
    var isAtEnd = false
    selectBodies.start().bind(bodyCursor)
    try selectBodies.forEach { row in
      guard row.timestamp(3) < before else {
        isAtEnd = true
        return false
      }
      let id = row.integer(0)
      seen += 1
      bodyCursor = id
      let isFinished = try row.value(1, RowState.self) == .finished
      if isFinished, let completed = row.optionalTimestamp(2), completed < before, !pinned.contains(id) {
        found.bodies.append(id)
      }
      return found.bodies.count < limit
    }
    if found.bodies.count >= limit { return true }
    guard isAtEnd || seen < Self.page else { return false }
    bodyCursor = 0
    return true
  }

  /// Attempts are in the order of their ends, so that those before the place are done with for good. It does not pass one
  /// whose reply is still in the outbox.
  private func findResponses(
    before: Timestamp, _ pinned: Set<Int64>, _ found: inout Found, _ limit: Int
  ) throws -> Bool {
    if found.responses.count >= limit { return true }
    let start = try droppedTo ?? selectDroppedTo.start().first { $0.integer(0) } ?? 0
    droppedTo = start
    var seen = 0
    var isAtEnd = false
    selectResponses.start().bind(start)
    try selectResponses.forEach { row in
      let request = row.integer(1)
      guard row.timestamp(2) < before, !pinned.contains(request) else {
        isAtEnd = true
        return false
      }
      seen += 1
      droppedTo = row.integer(0)
      if row.integer(3) != 0 { found.responses.append(Response(attempt: row.integer(0), request: request)) }
      return found.responses.count < limit
    }
    return isAtEnd || seen < Self.page || found.responses.count >= limit
  }

  /// Starts again from what was removed: not all of what was found has been.
  func startAgain() {
    requestCursor = 0
    keptBatches = []
    bodyCursor = 0
    droppedTo = nil
  }
}

extension BatchRecord.State {
  fileprivate var isEnded: Bool {
    switch self {
    case .planned, .creating, .submitted: false
    case .settled, .abandoned: true
    }
  }
}
