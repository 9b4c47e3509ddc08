import BatchCore
import Ledger
import LedgerRules
import Wire

/// Walks the outbox. Its place is kept in memory, so that taking a reply writes nothing; a new process starts at the
/// front, where everything is that was not delivered.
final class OutboxReader: ReadSession {
  let snapshot: Snapshot
  private let select: Statement
  private let selectLeader: Statement
  private let selectBody: Statement
  private let selectModel: Statement
  private let selectRoute: Statement
  private var models = NameReader<String>()
  private var routes = NameReader<Route>()
  private var cursors = ReplyCursors()

  init(_ connection: OpaquePointer) throws {
    snapshot = try Snapshot(connection)
    let answer = """
      a.status, a.provider_request_id, a.response, a.input_tokens, a.cached_input_tokens, a.output_tokens, a.cost, a.basis,
      b.provider_batch_id, r.attempts
      """
    let joins = """
      LEFT JOIN attempt a ON a.id = r.answer_id
      LEFT JOIN batch b ON b.id = CASE WHEN a.id IS NULL THEN r.batch_id ELSE a.batch_id END
      """
    let isCall = "a.id IS NOT NULL AND a.batch_id IS NULL"
    select = try Statement(
      connection,
      """
      SELECT \(answer), o.seq, r.id, r.kind, r.ledger_id, r.leader_id, r.flags, r.correlation_id, r.reply_to,
        r.tenant, r.cost_center, r.user, r.service, r.environment, r.context, r.failure_code, r.failure_message, r.lane,
        r.route, r.model, r.received_at, r.completed_at, r.deadline, o.again,
        \(isCall)
      FROM outbox o JOIN request r ON r.id = o.request_id \(joins)
      WHERE o.seq > ? AND o.seq < ? ORDER BY o.seq LIMIT ?
      """)
    selectLeader = try Statement(
      connection, "SELECT \(answer), r.ledger_id, \(isCall), r.route FROM request r \(joins) WHERE r.id = ?")
    selectBody = try Statement(
      connection, "SELECT bytes, properties FROM body WHERE request_id = ? AND bytes IS NOT NULL")
    selectModel = try Statement(connection, "SELECT name FROM model WHERE id = ?")
    selectRoute = try Statement(connection, "SELECT provider, model FROM route WHERE id = ?")
  }

  /// The next replies of a part.
  func take(_ urgency: ReplyUrgency, limit: Int, maximumBytes: Int) throws -> [PendingReply] {
    var replies: [PendingReply] = []
    var bytes = 0
    select.start().bind(cursors[urgency])
    select.bind(ReplyPlace.end(urgency))
    select.bind(limit)
    try select.forEach { row in
      let reply = try reply(row)
      bytes += (reply.response?.body.count ?? 0) + (reply.deadLetter?.body.count ?? 0)
      replies.append(reply)
      return bytes < maximumBytes
    }
    if let last = replies.last { cursors[urgency] = last.place }
    return replies
  }

  private func reply(_ row: Statement) throws -> PendingReply {
    let id = row.integer(11)
    let kind: RowKind = try row.value(12)
    let ledgerID = try row.ledgerID(13)
    let flags = RowFlags(rawValue: row.integer(15))
    let context = RequestContext(bytes: row.optionalBytes(23))
    let tags = CostTags(
      tenant: row.text(18), costCenter: row.optionalText(19), user: row.optionalText(20),
      service: row.optionalText(21), environment: row.optionalText(22))
    let address = ReplyAddress(
      correlationID: row.optionalBytes(16) ?? Array(ledgerID.text.utf8),
      correlationGenerated: flags.contains(.correlationGenerated), replyTo: row.optionalBytes(17),
      customID: context.customID, tags: tags, trace: context.trace, callbackURL: context.callbackURL,
      noReply: flags.contains(.noReply))
    let receivedAt = row.timestamp(29)
    var reply = PendingReply(
      id: RequestID(id), place: row.integer(10), ledgerID: ledgerID, callID: ledgerID, envelope: address, attempts: 0,
      basis: .unknown, receivedAt: receivedAt, completedAt: row.optionalTimestamp(30) ?? receivedAt,
      replayed: flags.contains(.replayed))
    reply.failure = try Failure(row, code: 24, message: 25)
    reply.lane = row.isNull(26) ? nil : try row.value(26)
    if let route = row.optionalInteger(27) { reply.route = try routes.name(of: route, orElse: route(_:)) }
    if let model = row.optionalInteger(28) { reply.model = try models.name(of: model, orElse: model(_:)) }
    reply.deadline = row.optionalTimestamp(31)
    if kind == .subscriber, let leader = row.optionalInteger(14) {
      try fill(&reply, fromLeader: leader)
    } else {
      try fill(&reply, from: row, isCall: row.integer(33) != 0)
    }
    // The first took its dead letter along.
    if kind == .leader && row.integer(32) == 0 && reply.failure?.code.isDeadLettered == true {
      reply.deadLetter = try deadLetter(of: id)
    }
    return reply
  }

  /// The columns of the answer come first in both statements.
  private func fill(_ reply: inout PendingReply, from row: Statement, isCall: Bool) throws {
    // What a call has answered was not sent deferred, whatever it was accepted as.
    if isCall, reply.lane != nil { reply.lane = .interactive }
    if let status = row.optionalInteger(0) {
      reply.response = ProviderResponse(
        statusCode: Int(status), requestID: row.optionalText(1), body: row.bytes(2))
    }
    if let input = row.optionalInteger(3) {
      reply.usage = Usage(
        inputTokens: input, cachedInputTokens: row.integer(4), outputTokens: row.integer(5))
    }
    reply.cost = row.optionalInteger(6).map { PicoUSD($0) }
    if !row.isNull(7) { reply.basis = try row.value(7) }
    reply.providerBatchID = row.optionalText(8)
    reply.attempts = row.int(9)
  }

  /// The answer is the leader's, and so are its route and its cost: the others get it free.
  private func fill(_ reply: inout PendingReply, fromLeader leader: Int64) throws {
    selectLeader.start().bind(leader)
    try selectLeader.forEach { row in
      reply.callID = try row.ledgerID(10)
      // A subscriber that was cancelled alone has nothing of the call's outcome.
      guard reply.failure?.code != .cancelled else { return false }
      try fill(&reply, from: row, isCall: row.integer(11) != 0)
      // Another than its own where the call was sent another way.
      if let route = row.optionalInteger(12) { reply.route = try routes.name(of: route, orElse: self.route(_:)) }
      reply.cost = PicoUSD(0)
      reply.basis = .replay
      return false
    }
  }

  private func deadLetter(of id: Int64) throws -> PendingReply.DeadLetter? {
    selectBody.start().bind(id)
    return try selectBody.first { row in
      PendingReply.DeadLetter(properties: row.bytes(1), body: row.bytes(0))
    }
  }

  private func model(_ id: Int64) throws -> String? {
    selectModel.start().bind(id)
    return try selectModel.first { $0.text(0) }
  }

  private func route(_ id: Int64) throws -> Route? {
    selectRoute.start().bind(id)
    return try selectRoute.first { Route(provider: $0.text(0), model: $0.text(1)) }
  }
}
