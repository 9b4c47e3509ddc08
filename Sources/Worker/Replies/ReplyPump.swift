import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// Publishes a part of the outbox: every reply until the broker confirms it, and only then settles its delivery.
final class ReplyPump: Sendable {
  let urgency: ReplyUrgency
  private let context: WorkerContext
  private let sink: any ReplySink
  private let settler: DeliverySettler
  private let encoder: ReplyEncoding
  private let refused: RefusedReplies
  private let faults: ExchangeFaults
  private let stopping = Locked(false)
  private let active = Locked(0)

  private static let chunkReplies = 128
  private static let chunkBytes = 1 << 20
  /// Chunks that wait for confirms at once. It bounds memory while the broker is away.
  private static let concurrentChunks = 16
  /// A reply that its queue refuses so often leaves its chunk, which has others to make room for.
  private static let patience = 3

  init(
    _ urgency: ReplyUrgency, context: WorkerContext, sink: any ReplySink, settler: DeliverySettler,
    faults: ExchangeFaults
  ) {
    self.urgency = urgency
    self.context = context
    self.sink = sink
    self.settler = settler
    encoder = ReplyEncoding(configuration: context.configuration)
    refused = RefusedReplies(time: context.time, unclaimed: context.configuration.names.unclaimedExchange)
    self.faults = faults
  }

  /// Ends `run` once its part of the outbox is empty and everything taken from it is confirmed, or refused by its queue.
  func finish() {
    stopping.withLock { $0 = true }
    context.outboxReady.raise(urgency)
  }

  func run() async {
    let permits = Permits(Self.concurrentChunks)
    await withDiscardingTaskGroup { group in
      group.addTask { await self.refused.run { await self.round($0).left } }
      defer { refused.close() }
      while !Task.isCancelled {
        await permits.acquire()
        let stopping = stopping.withLock { $0 }
        let replies = await context.retry("read the outbox") { () async throws(LedgerError) in
          try await context.ledger.takeReplies(urgency, limit: Self.chunkReplies, maximumBytes: Self.chunkBytes)
        }
        guard let replies, !replies.isEmpty else {
          permits.release()
          if replies == nil { return }
          if stopping, active.withLock({ $0 == 0 }) { return }
          await context.outboxReady.signal(urgency).wait()
          continue
        }
        active.withLock { $0 += 1 }
        group.addTask {
          await self.publish(replies)
          self.active.withLock { $0 -= 1 }
          permits.release()
          if self.stopping.withLock({ $0 }) { self.context.outboxReady.raise(self.urgency) }
        }
      }
    }
  }

  private func row(_ reply: PendingReply) -> OutboxRow {
    var messages: [OutboundMessage] = []
    if !reply.envelope.noReply { messages.append(encoder.reply(reply)) }
    if let letter = encoder.deadLetter(reply) {
      messages.append(letter)
      if let failure = reply.failure { context.metrics.deadLetter(failure.code) }
    }
    return OutboxRow(reply.taken, messages: messages)
  }

  /// Publishes a chunk until every row has its end or is refused too often.
  private func publish(_ replies: [PendingReply]) async {
    var rows = replies.map(row)
    var delay = Duration.milliseconds(50)
    while !rows.isEmpty {
      let (left, mustWait) = await round(rows)
      let beyond = refused.add(left.filter { $0.refusals >= Self.patience })
      rows = left.filter { $0.refusals < Self.patience } + refused.redirect(beyond)
      if rows.isEmpty || !mustWait { continue }
      // The publisher waits for a connection by itself; this is for a queue that refuses.
      guard !Task.isCancelled, (try? await context.time.sleep(for: delay)) != nil else { return }
      delay = min(delay * 2, .seconds(5))
    }
  }

  /// Publishes what is open once and notes what came to its end. Returns the other rows, and whether to wait.
  private func round(_ rows: [OutboxRow]) async -> (left: [OutboxRow], mustWait: Bool) {
    let messages = rows.flatMap(\.open)
    var outcomes: ArraySlice<PublishOutcome> = []
    if !messages.isEmpty {
      outcomes = await faults.publish(messages) { sent in await abandoning { [sink] in await sink.publish(sent) } }[...]
    }
    let now = context.time.monotonic()
    var tally: [String: Int] = [:]
    var ended: [OutboxRow] = []
    var left: [OutboxRow] = []
    var mustWait = false
    for var row in rows {
      let own = outcomes.prefix(row.open.count)
      outcomes = outcomes.dropFirst(row.open.count)
      if row.apply(own, at: now, unclaimed: context.configuration.names.unclaimedExchange, &tally) { mustWait = true }
      if row.open.isEmpty { ended.append(row) } else { left.append(row) }
    }
    for (outcome, amount) in tally { context.metrics.replies(outcome, by: amount) }
    await end(ended)
    return (left, mustWait)
  }

  private func end(_ rows: [OutboxRow]) async {
    let delivered = rows.filter { $0.complaint == nil }.map(\.reply)
    let undeliverable = rows.compactMap { row in row.complaint.map { (reply: row.reply, reason: $0) } }
    if let first = undeliverable.first {
      context.logger.error(
        "Replies that the broker will not take",
        metadata: ["replies": "\(undeliverable.count)", "reason": "\(first.reason)"])
      let noted: Void? = await context.retry("note replies that cannot be delivered") { () async throws(LedgerError) in
        try await context.ledger.undeliverable(undeliverable, at: context.time.now())
      }
      if noted != nil { settler.settle(context.held.release(undeliverable.map(\.reply.request))) }
    }
    if !delivered.isEmpty {
      let noted: Void? = await context.retry("note delivered replies") { () async throws(LedgerError) in
        try await context.ledger.delivered(delivered, at: context.time.now())
      }
      if noted != nil { settler.settle(context.held.release(delivered.map(\.request))) }
    }
    context.metrics.held(context.held.count)
  }
}
