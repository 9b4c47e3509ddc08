import BatchCore
import Ledger
import LedgerRules
import Wire

/// Walks this replica's part of the outbox. Its place is kept in memory, so that taking a reply writes nothing.
struct OutboxReader {
  private let select: PreparedStatement
  private let selectLeaders: PreparedStatement
  private let selectBodies: PreparedStatement

  init(_ connection: PostgresConnection) throws {
    let answer = """
      a.status, a.provider_request_id, a.response, a.input_tokens, a.cached_input_tokens, a.output_tokens, a.cost, a.basis,
      b.provider_batch_id, r.attempts
      """
    let joins = """
      LEFT JOIN attempt a ON a.id = r.answer_id
      LEFT JOIN batch b ON b.id = CASE WHEN a.id IS NULL THEN r.batch_id ELSE a.batch_id END
      """
    let isCall = "a.id IS NOT NULL AND a.batch_id IS NULL"
    select = connection.prepare(
      """
      SELECT \(answer), o.seq, r.id, r.kind, r.ledger_id, r.leader_id, r.flags, r.correlation_id, r.reply_to,
        r.tenant, r.cost_center, r.user_tag, r.service, r.environment, r.context, r.failure_code, r.failure_message,
        r.lane, t.provider, t.model, m.name, r.received_at, r.completed_at, r.deadline, o.again,
        \(isCall)
      FROM outbox o JOIN request r ON r.id = o.request_id \(joins)
      LEFT JOIN route t ON t.id = r.route LEFT JOIN model m ON m.id = r.model
      WHERE o.owner = $1::bigint AND o.seq > $2::bigint AND o.seq < $3::bigint ORDER BY o.seq LIMIT $4::bigint
      """)
    selectLeaders = connection.prepare(
      """
      SELECT \(answer), r.ledger_id, r.id, \(isCall), t.provider, t.model FROM request r \(joins)
      LEFT JOIN route t ON t.id = r.route WHERE r.id = ANY($1::bigint[])
      """)
    selectBodies = connection.prepare(
      """
      SELECT request_id, bytes, properties FROM body WHERE request_id = ANY($1::bigint[]) AND bytes IS NOT NULL
      """)
  }

  private struct Found {
    var reply: PendingReply
    var leader: Int64?
    var mayBeDeadLetter: Bool
  }

  private static let page = 64

  /// The next replies of a part after a place.
  func take(
    _ urgency: ReplyUrgency, owner: Int64, after place: Int64, limit: Int, maximumBytes: Int
  ) throws -> [PendingReply] {
    var found: [Found] = []
    var bytes = 0
    var last = place
    while found.count < limit, bytes < maximumBytes {
      select.start().bind(owner)
      select.bind(last)
      select.bind(ReplyPlace.end(urgency))
      select.bind(Int64(min(limit - found.count, Self.page)))
      let rows = try select.all(read)
      guard let end = rows.last else { break }
      last = end.reply.place
      for row in rows where bytes < maximumBytes {
        bytes += row.reply.response?.body.count ?? 0
        found.append(row)
      }
    }
    try complete(&found)
    return found.map(\.reply)
  }

  private func read(_ row: PostgresRow) throws -> Found {
    let id = try row.integer(11)
    let kind: RowKind = try row.value(12)
    let ledgerID = try row.ledgerID(13)
    let flags = RowFlags(rawValue: try row.integer(15))
    let context = RequestContext(bytes: row.optionalBytes(23))
    let tags = CostTags(
      tenant: try row.text(18), costCenter: try row.optionalText(19), user: try row.optionalText(20),
      service: try row.optionalText(21), environment: try row.optionalText(22))
    let address = ReplyAddress(
      correlationID: row.optionalBytes(16) ?? Array(ledgerID.text.utf8),
      correlationGenerated: flags.contains(.correlationGenerated), replyTo: row.optionalBytes(17),
      customID: context.customID, tags: tags, trace: context.trace, callbackURL: context.callbackURL,
      noReply: flags.contains(.noReply))
    let receivedAt = try row.timestamp(30)
    var reply = PendingReply(
      id: RequestID(id), place: try row.integer(10), ledgerID: ledgerID, callID: ledgerID, envelope: address,
      attempts: 0, basis: .unknown, receivedAt: receivedAt, completedAt: try row.optionalTimestamp(31) ?? receivedAt,
      replayed: flags.contains(.replayed))
    reply.failure = try Failure(row, code: 24, message: 25)
    reply.lane = row.isNull(26) ? nil : try row.value(26)
    if let provider = try row.optionalText(27) { reply.route = Route(provider: provider, model: try row.text(28)) }
    reply.model = try row.optionalText(29)
    reply.deadline = try row.optionalTimestamp(32)
    let leader = kind == .subscriber ? try row.optionalInteger(14) : nil
    if leader == nil { try Self.fill(&reply, from: row, isCall: row.bool(34)) }
    // The first took its dead letter along.
    let mayBeDeadLetter = try kind == .leader && !row.bool(33) && reply.failure?.code.isDeadLettered == true
    return Found(reply: reply, leader: leader, mayBeDeadLetter: mayBeDeadLetter)
  }

  /// The columns of the answer come first in both statements.
  private static func fill(_ reply: inout PendingReply, from row: PostgresRow, isCall: Bool) throws {
    // What a call has answered was not sent deferred, whatever it was accepted as.
    if isCall, reply.lane != nil { reply.lane = .interactive }
    if let status = try row.optionalInteger(0) {
      reply.response = ProviderResponse(
        statusCode: Int(status), requestID: try row.optionalText(1), body: row.optionalBytes(2) ?? [])
    }
    if let input = try row.optionalInteger(3) {
      reply.usage = Usage(
        inputTokens: input, cachedInputTokens: try row.optionalInteger(4) ?? 0,
        outputTokens: try row.optionalInteger(5) ?? 0)
    }
    reply.cost = try row.optionalInteger(6).map { PicoUSD($0) }
    if !row.isNull(7) { reply.basis = try row.value(7) }
    reply.providerBatchID = try row.optionalText(8)
    reply.attempts = try row.int(9)
  }

  /// What lies elsewhere: the answer of a subscriber's leader, and the body of a dead letter.
  private func complete(_ found: inout [Found]) throws {
    try fillFromLeaders(&found)
    let letters = found.filter(\.mayBeDeadLetter).map(\.reply.id.rawValue)
    if letters.isEmpty { return }
    var bodies: [Int64: PendingReply.DeadLetter] = [:]
    selectBodies.start().bind(array: letters)
    try selectBodies.forEach { row in
      bodies[try row.integer(0)] = PendingReply.DeadLetter(
        properties: row.optionalBytes(2) ?? [], body: try row.bytes(1))
      return true
    }
    for index in found.indices where found[index].mayBeDeadLetter {
      found[index].reply.deadLetter = bodies[found[index].reply.id.rawValue]
    }
  }

  /// The answer is the leader's, and so are its route and its cost: the others get it free.
  private func fillFromLeaders(_ found: inout [Found]) throws {
    let leaders = Set(found.compactMap(\.leader))
    if leaders.isEmpty { return }
    let followers = Dictionary(grouping: found.indices.filter { found[$0].leader != nil }) { found[$0].leader ?? 0 }
    selectLeaders.start().bind(array: leaders.sorted())
    try selectLeaders.forEach { row in
      for index in followers[try row.integer(11)] ?? [] {
        found[index].reply.callID = try row.ledgerID(10)
        // A subscriber that was cancelled alone has nothing of the call's outcome.
        guard found[index].reply.failure?.code != .cancelled else { continue }
        try Self.fill(&found[index].reply, from: row, isCall: row.bool(12))
        // Another than its own where the call was sent another way.
        if let provider = try row.optionalText(13) {
          found[index].reply.route = Route(provider: provider, model: try row.text(14))
        }
        found[index].reply.cost = PicoUSD(0)
        found[index].reply.basis = .replay
      }
      return true
    }
  }
}
