import Logging
import Threading
import Wire

// The half that moves data, on every turn of the event thread.
extension ConsumerCore {
  nonisolated func turn(wake: CInt) {
    assumeIsolated { $0.step(wake: wake) }
  }

  func step(wake: CInt) {
    let now = ContinuousClock.now
    let incoming = mailbox.takeIncoming()
    requests += incoming.requests
    paused = incoming.paused
    var more = false
    if let connection, connection.failure == nil {
      do throws(AMQPError) {
        more = try connection.receive(limit: Self.readLimit) { take($0) }
        handOver()
        if !incoming.settlements.isEmpty { Failpoint.acknowledge.before() }
        settle(incoming.settlements, connection)
        try connection.flush(now: now)
        if !incoming.settlements.isEmpty { Failpoint.acknowledge.after() }
        try connection.checkTimers(now: now)
      } catch {
        connection.fail(error)
      }
    } else if !incoming.settlements.isEmpty {
      status.count { $0.staleSettlements += UInt64(incoming.settlements.count) }
    }
    gate.open(if: hasWork, now: now)
    if let connection, connection.failure == nil {
      connection.wait(wake: wake, deadline: more ? now : gate.deadline)
    } else {
      EventThread.wait(wake: wake, until: gate.deadline)
    }
  }

  func take(_ incoming: Incoming) {
    switch incoming {
    case .content(Self.channel, let content):
      guard case .delivery(let tag, let redelivered) = content.origin else { return }
      do throws(AMQPError) {
        try acks.delivered(tag: tag, size: content.size)
      } catch {
        channelFailure = error
        return
      }
      arrived.append(
        Delivery(
          token: DeliveryToken(generation: generation, tag: tag), exchange: content.exchange,
          routingKey: content.routingKey, redelivered: redelivered, properties: content.properties, body: content.body))
    case .cancelled(Self.channel, let tag) where tag == consumerTag:
      consumerTag = nil
      let queue = options.queueName.withLock { $0 } ?? ""
      let reason = "the broker ended the consumer of '\(queue)'; it was deleted, or moved to another node"
      if case .temporary = options.source {
        channelFailure = AMQPError(.channelClosed, reason)
      } else {
        cancellation = (reason, .now + Backoff.shortest, Backoff())
        status.set(.consumerCancelled(reason: reason))
      }
      logger.warning("consumer cancelled", metadata: ["queue": "\(queue)"])
    case .channelClosed(let channel, let code, let text, _):
      status.count { $0.channelCloses += 1 }
      if channel == Self.channel {
        channelFailure = AMQPError(code == 403 ? .refused : .channelClosed, code: code, text)
      }
    case .content, .cancelled, .reply, .acknowledged, .connectionClosed, .blocked, .unblocked:
      break
    }
  }

  func handOver() {
    guard !arrived.isEmpty else { return }
    let again = arrived.reduce(into: UInt64(0)) { $0 += $1.redelivered ? 1 : 0 }
    status.count {
      $0.deliveries += UInt64(arrived.count)
      $0.redeliveries += again
    }
    mailbox.deliver(arrived)
    arrived.removeAll(keepingCapacity: true)
    if acks.outstandingBytes > options.maxUnackedBytes { overBytes = true }
  }

  func settle(_ settlements: [Settlement], _ connection: Connection) {
    guard !settlements.isEmpty else { return }
    let (actions, dropped) =
      channelFailure == nil ? acks.settle(settlements) : ([], .init(stale: UInt64(settlements.count)))
    for action in actions {
      switch action {
      case .ack(let tag, let multiple): try? connection.send(.ack(tag: tag, multiple: multiple), channel: Self.channel)
      case .nack(let tag, let requeue): try? connection.send(.nack(tag: tag, requeue: requeue), channel: Self.channel)
      }
    }
    status.count {
      $0.settlements += UInt64(settlements.count) - dropped.stale - dropped.double
      $0.staleSettlements += dropped.stale
      $0.doubleSettlements += dropped.double
    }
    if acks.outstandingBytes <= options.maxUnackedBytes / 2 { overBytes = false }
  }
}
