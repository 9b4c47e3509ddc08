import BatchCore
import Ledger
import Logging
import Threading
import Wire

/// Publishes the outbox: every reply until the broker confirms it, and only then settles its delivery.
final class ReplyPump: Sendable {
  private let context: WorkerContext
  private let sink: any ReplySink
  private let encoder: ReplyEncoding
  private let stopping = Locked(false)
  private let active = Locked(0)

  private static let chunkReplies = 512
  private static let chunkBytes = 4 << 20
  /// Chunks that wait for confirms at once. It bounds memory while the broker is away.
  private static let concurrentChunks = 4

  init(context: WorkerContext, sink: any ReplySink) {
    self.context = context
    self.sink = sink
    encoder = ReplyEncoding(configuration: context.configuration)
  }

  /// Ends `run` once the outbox is empty and everything taken from it is confirmed.
  func finish() {
    stopping.withLock { $0 = true }
    context.outboxReady.raise()
  }

  func run() async {
    let permits = Permits(Self.concurrentChunks)
    await withDiscardingTaskGroup { group in
      while !Task.isCancelled {
        await permits.acquire()
        let stopping = stopping.withLock { $0 }
        let replies = await context.retry("read the outbox") { () async throws(LedgerError) in
          try await context.ledger.takeReplies(limit: Self.chunkReplies, maximumBytes: Self.chunkBytes)
        }
        guard let replies, !replies.isEmpty else {
          permits.release()
          if replies == nil { return }
          if stopping, active.withLock({ $0 == 0 }) { return }
          await context.outboxReady.wait()
          continue
        }
        active.withLock { $0 += 1 }
        group.addTask {
          await self.publish(replies)
          self.active.withLock { $0 -= 1 }
          permits.release()
          if self.stopping.withLock({ $0 }) { self.context.outboxReady.raise() }
        }
      }
    }
  }

  private struct Open {
    var id: RequestID
    var message: OutboundMessage
    var isReply: Bool
    var wasReturned = false
  }

  /// Publishes until every message of the chunk has its end, then notes the deliveries.
  private func publish(_ replies: [PendingReply]) async {
    var open: [Open] = []
    var remaining: [RequestID: Int] = [:]
    var done: [RequestID] = []
    for reply in replies {
      var messages: [Open] = []
      if !reply.envelope.noReply {
        messages.append(Open(id: reply.id, message: encoder.reply(reply), isReply: true))
      }
      if let letter = encoder.deadLetter(reply) {
        messages.append(Open(id: reply.id, message: letter, isReply: false))
        if let failure = reply.failure { context.metrics.deadLetter(failure.code) }
      }
      if messages.isEmpty { done.append(reply.id) } else { remaining[reply.id] = messages.count }
      open += messages
    }
    let finish = { (id: RequestID) in
      remaining[id, default: 1] -= 1
      if remaining[id] == 0 { done.append(id) }
    }
    var delay = Duration.milliseconds(50)
    while true {
      var undeliverable: [(id: RequestID, reason: String)] = []
      var again: [Open] = []
      if !open.isEmpty {
        let outcomes = await sink.publish(open.map(\.message))
        for (item, outcome) in zip(open, outcomes) {
          switch outcome {
          case .confirmed:
            finish(item.id)
            context.metrics.replies(item.wasReturned ? "unclaimed" : "confirmed", by: 1)
          case .returned:
            var item = item
            if item.wasReturned || item.message.exchange == context.configuration.names.unclaimedExchange {
              undeliverable.append((item.id, "no queue is bound for it, nor to the exchange for unclaimed replies"))
              finish(item.id)
              continue
            }
            // Nobody waits for it any more: it is kept where an operator finds it.
            item.wasReturned = true
            item.message.exchange = context.configuration.names.unclaimedExchange
            again.append(item)
          case .rejected(let code, let text):
            undeliverable.append((item.id, "the broker refuses it: \(code) \(text)"))
            finish(item.id)
            context.metrics.replies("undeliverable", by: 1)
          case .refused, .unknown: again.append(item)
          }
        }
      }
      if !undeliverable.isEmpty {
        let rows = undeliverable
        context.logger.error(
          "Replies that the broker will not take",
          metadata: ["replies": "\(rows.count)", "reason": "\(rows[0].reason)"])
        _ = await context.retry("note replies that cannot be delivered") { () async throws(LedgerError) in
          try await context.ledger.undeliverable(rows, at: context.time.now())
        }
      }
      await delivered(done, replies)
      done = []
      open = again
      if open.isEmpty { return }
      context.metrics.replies("again", by: open.count)
      // The publisher waits for a connection by itself; this is for a queue that refuses.
      guard !Task.isCancelled, (try? await context.time.sleep(for: delay)) != nil else { return }
      delay = min(delay * 2, .seconds(5))
    }
  }

  private func delivered(_ ids: [RequestID], _ replies: [PendingReply]) async {
    if ids.isEmpty { return }
    let noted: Void? = await context.retry("note delivered replies") { () async throws(LedgerError) in
      try await context.ledger.delivered(ids, at: context.time.now())
    }
    guard noted != nil else { return }
    for held in context.held.release(ids) {
      guard let poison = held.poison else {
        held.source.settle([Settlement(held.token, .ack)])
        continue
      }
      await bury(poison, held)
    }
    context.metrics.held(context.held.count)
  }

  /// Dead-letters poison: the broker moves it, body untouched, or we do where its queue would destroy it instead.
  private func bury(_ poison: HeldDeliveries.Poison, _ held: HeldDeliveries.Held) async {
    context.metrics.deadLetter(poison.failure.code)
    guard context.configuration.publishesPoison(held.source.lane) else {
      return held.source.settle([Settlement(held.token, .discard)])
    }
    let letter = encoder.deadLetter(of: poison.delivery, failure: poison.failure)
    while !Task.isCancelled {
      let outcome = await sink.publish([letter]).first
      switch outcome {
      case .confirmed: return held.source.settle([Settlement(held.token, .ack)])
      case .returned(_, let text), .rejected(_, let text):
        // Left unacked: acking it would lose it.
        context.logger.error("A poison message cannot be dead-lettered and stays unacked", metadata: ["reason": "\(text)"])
        return
      case .refused, .unknown, nil:
        guard (try? await context.time.sleep(for: .seconds(1))) != nil else { return }
      }
    }
  }
}
