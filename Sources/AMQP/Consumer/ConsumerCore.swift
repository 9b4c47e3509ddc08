import Logging
import Threading
import Wire

/// The consumer on its event thread.
///
/// Two halves share its state. The driver (`step`) moves data and never suspends: settlements out, deliveries in. The
/// control task (`run`) connects, subscribes, answers requests and reconnects; it waits at the gate for the driver.
actor ConsumerCore: EventLoopDriver {
  struct Options: Sendable {
    var source: ConsumerSource
    var prefetch: UInt16
    var maxUnackedBytes: Int
    /// Written by the core, read by the consumer.
    let queueName = Locked<String?>(nil)
  }

  static let channel: UInt16 = 1
  static let scratchChannel: UInt16 = 2
  /// Frames read before settlements are written again.
  private static let readLimit = 1024

  nonisolated let thread: EventThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

  let options: Options
  let mailbox: ConsumerMailbox
  let status: LinkStatus
  let logger: Logger
  private var dialer: Dialer

  var connection: Connection?
  /// Why the channel is of no use any more although the connection is.
  private var channelFailure: AMQPError?
  private var generation: UInt64 = 0
  private var acks = AckTracker(generation: 0)
  private var gate = ControlGate()
  private var requests: [ConsumerMailbox.Request] = []
  private var paused = false
  private var overBytes = false
  /// The consumer's tag while it is subscribed, and how often it has been.
  private var consumerTag: String?
  private var subscriptions: UInt64 = 0
  /// Why the broker ended the consumer, and when to look for the queue again.
  private var cancellation: (reason: String, lookAgain: ContinuousClock.Instant, backoff: Backoff)?
  private var arrived: [Delivery] = []

  init(
    thread: EventThread, dialer: Dialer, options: Options, mailbox: ConsumerMailbox, status: LinkStatus, logger: Logger
  ) {
    self.thread = thread
    self.dialer = dialer
    self.options = options
    self.mailbox = mailbox
    self.status = status
    self.logger = logger
  }

  // MARK: Control

  func run() async {
    var reason = "first connection"
    while !mailbox.isStopping {
      status.set(.connecting(reason: reason))
      var lifetime: Duration?
      do throws(AMQPError) {
        let connection = try dialer.dial { mailbox.isStopping }
        if generation > 0 { status.count { $0.reconnects += 1 } }
        beginSession(connection)
        try await subscribe(connection)
        logger.info("consuming", metadata: ["broker": "\(connection.handle.broker)"])
        try await serve(connection)
        await close(connection)
        endSession()
        return
      } catch {
        lifetime = connection.map { .now - $0.openedAt }
        if let connection {
          try? connection.send(.connectionClose, channel: 0)
          try? connection.flush(now: .now)
        }
        endSession()
        if mailbox.isStopping { return }
        reason = error.description
        let retry = dialer.retryTime(after: error, connectedFor: lifetime)
        logger.warning("the consumer lost its broker", metadata: ["error": "\(error)"])
        status.set(.waiting(until: retry, lastError: reason))
        while !mailbox.isStopping, ContinuousClock.now < retry {
          await parked(until: retry)
          failRequests()
        }
      }
    }
  }

  private func beginSession(_ connection: Connection) {
    self.connection = connection
    generation += 1
    acks = AckTracker(generation: generation)
    overBytes = false
    channelFailure = nil
    consumerTag = nil
    cancellation = nil
  }

  private func endSession() {
    // Settlements that came in meanwhile are counted as stale by the next tracker, whose generation is another.
    connection?.fail(AMQPError(.stopped, "the connection was closed"))
    connection = nil
    mailbox.dropUnread()
    if case .temporary = options.source { options.queueName.withLock { $0 = nil } }
    failRequests()
  }

  private func failRequests() {
    let unanswered = requests
    requests = []
    for request in unanswered { request.fail() }
  }

  private func subscribe(_ connection: Connection) async throws(AMQPError) {
    try await connection.call(.channelOpen, channel: Self.channel)
    try await connection.call(.qos(prefetch: options.prefetch), channel: Self.channel)
    switch options.source {
    case .queue(let name):
      options.queueName.withLock { $0 = name }
    case .temporary(let name, let exchange, let keys):
      let declared = try await connection.call(
        .queueDeclare(
          name: name ?? "", passive: false, durable: false, exclusive: true, autoDelete: true, FieldTable()),
        channel: Self.channel)
      for key in keys {
        try await connection.call(
          .queueBind(queue: declared.name, exchange: exchange ?? "", routingKey: key, FieldTable()),
          channel: Self.channel)
      }
      options.queueName.withLock { $0 = declared.name }
    }
    if wantsDeliveries { try await consume(connection) }
    status.set(.connected(connection.handle.broker))
  }

  private var wantsDeliveries: Bool {
    !paused && !overBytes && cancellation == nil && !mailbox.deliveryEnded
  }

  private func consume(_ connection: Connection) async throws(AMQPError) {
    subscriptions += 1
    let tag = "millrace-\(subscriptions)"
    consumerTag = tag
    let queue = options.queueName.withLock { $0 } ?? ""
    do throws(AMQPError) {
      try await connection.call(.consume(queue: queue, tag: tag, exclusive: false), channel: Self.channel)
    } catch {
      throw AMQPError(error.kind, code: error.code, "cannot consume the queue '\(queue)': \(error)")
    }
  }

  /// Keeps the subscription as it should be and answers requests, until told to stop.
  private func serve(_ connection: Connection) async throws(AMQPError) {
    while true {
      if let failure = connection.failure ?? channelFailure { throw failure }
      if mailbox.isStopping { return }
      if let cancellation, cancellation.lookAgain <= .now {
        try await lookForQueue(connection)
      } else if wantsDeliveries != (consumerTag != nil), cancellation == nil {
        if let tag = consumerTag {
          try await connection.call(.cancel(tag: tag), channel: Self.channel)
          if consumerTag == tag { consumerTag = nil }
        } else {
          try await consume(connection)
        }
      } else if !requests.isEmpty {
        await answer(requests.removeFirst(), connection)
      } else {
        await parked(until: cancellation?.lookAgain)
      }
    }
  }

  private func parked(until deadline: ContinuousClock.Instant?) async {
    await withCheckedContinuation { gate.park($0, until: deadline) }
  }

  private var hasWork: Bool {
    mailbox.isStopping || !requests.isEmpty || channelFailure != nil
      || connection.map { $0.failure != nil || (cancellation == nil && wantsDeliveries != (consumerTag != nil)) }
        ?? false
  }

  private func lookForQueue(_ connection: Connection) async throws(AMQPError) {
    let queue = options.queueName.withLock { $0 } ?? ""
    do throws(AMQPError) {
      _ = try await look(at: queue, connection)
    } catch  where error.code == 404 {
      var generator = SystemRandomNumberGenerator()
      let delay = cancellation?.backoff.delay(using: &generator) ?? Backoff.longest
      cancellation?.lookAgain = .now + delay
      cancellation?.reason = error.description
      status.set(.consumerCancelled(reason: error.description))
      return
    } catch  where connection.failure == nil {
      // It may be forbidden to look, and still be allowed to consume.
    }
    cancellation = nil
    if wantsDeliveries { try await consume(connection) }
    status.set(.connected(connection.handle.broker))
  }

  /// A passive declare on a channel of its own, which alone is closed when there is no such queue.
  private func look(at queue: String, _ connection: Connection) async throws(AMQPError) -> QueueInfo {
    try await connection.call(.channelOpen, channel: Self.scratchChannel)
    let found = try await connection.call(
      .queueDeclare(name: queue, passive: true, durable: false, exclusive: false, autoDelete: false, FieldTable()),
      channel: Self.scratchChannel)
    try await connection.call(.channelClose, channel: Self.scratchChannel)
    return QueueInfo(name: queue, readyMessages: Int(found.messages), consumers: Int(found.consumers))
  }

  private func answer(_ request: ConsumerMailbox.Request, _ connection: Connection) async {
    switch request {
    case .barrier(let answer):
      // The channel handles its methods in order, and setting the same prefetch again needs no permission.
      let passed = try? await connection.call(.qos(prefetch: options.prefetch), channel: Self.channel)
      answer.succeed(passed != nil)
    case .queueInfo(let answer):
      let queue = options.queueName.withLock { $0 } ?? ""
      answer.succeed(try? await look(at: queue, connection))
    }
  }

  /// Bounded by a few seconds: correctness never depends on a tidy end.
  private func close(_ connection: Connection) async {
    let limit = Duration.seconds(2)
    do throws(AMQPError) {
      if let tag = consumerTag {
        try await connection.call(.cancel(tag: tag), channel: Self.channel, timeout: limit)
      }
      try await connection.call(.qos(prefetch: options.prefetch), channel: Self.channel, timeout: limit)
      for request in requests { if case .barrier(let answer) = request { answer.succeed(true) } }
      try await connection.call(.connectionClose, channel: 0, timeout: limit)
    } catch {
      logger.info("the broker connection did not close in order", metadata: ["error": "\(error)"])
    }
  }

  // MARK: Driver

  nonisolated func turn(wake: CInt) {
    assumeIsolated { $0.step(wake: wake) }
  }

  private func step(wake: CInt) {
    let now = ContinuousClock.now
    let incoming = mailbox.takeIncoming()
    requests += incoming.requests
    paused = incoming.paused
    var more = false
    if let connection, connection.failure == nil {
      do throws(AMQPError) {
        more = try connection.receive(limit: Self.readLimit) { take($0) }
        handOver()
        settle(incoming.settlements, connection)
        try connection.flush(now: now)
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

  private func take(_ incoming: Incoming) {
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

  private func handOver() {
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

  private func settle(_ settlements: [Settlement], _ connection: Connection) {
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
