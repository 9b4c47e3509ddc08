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
    /// Of the channel that is open; 0 without one. Written by the core, read by the consumer.
    let openGeneration = Locked<UInt64>(0)
  }

  static let channel: UInt16 = 1
  static let scratchChannel: UInt16 = 2
  /// Frames read before settlements are written again.
  static let readLimit = 1024

  nonisolated let thread: EventThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

  let options: Options
  let mailbox: ConsumerMailbox
  let status: LinkStatus
  let logger: Logger
  var dialer: Dialer

  var connection: Connection?
  /// Why the channel is of no use any more although the connection is.
  var channelFailure: AMQPError?
  var generation: UInt64 = 0
  var acks = AckTracker(generation: 0)
  var gate = ControlGate()
  var requests: [ConsumerMailbox.Request] = []
  var paused = false
  var overBytes = false
  /// The consumer's tag while it is subscribed, and how often it has been.
  var consumerTag: String?
  var subscriptions: UInt64 = 0
  /// The last tag of each subscription of this channel that we have ended, oldest first.
  var ended: [UInt64] = []
  /// Why the broker ended the consumer, and when to look for the queue again.
  var cancellation: (reason: String, lookAgain: ContinuousClock.Instant, backoff: Backoff)?
  var arrived: [Delivery] = []

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

  func beginSession(_ connection: Connection) {
    self.connection = connection
    generation += 1
    options.openGeneration.withLock { $0 = generation }
    acks = AckTracker(generation: generation)
    overBytes = false
    channelFailure = nil
    consumerTag = nil
    ended = []
    cancellation = nil
  }

  func endSession() {
    // Settlements that came in meanwhile are counted as stale by the next tracker, whose generation is another.
    connection?.fail(AMQPError(.stopped, "the connection was closed"))
    connection = nil
    options.openGeneration.withLock { $0 = 0 }
    mailbox.dropUnread()
    if case .temporary = options.source { options.queueName.withLock { $0 = nil } }
    failRequests()
  }

  func failRequests() {
    let unanswered = requests
    requests = []
    for request in unanswered { request.fail() }
  }

  func subscribe(_ connection: Connection) async throws(AMQPError) {
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

  var wantsDeliveries: Bool {
    !paused && !overBytes && cancellation == nil && !mailbox.deliveryEnded
  }

  func consume(_ connection: Connection) async throws(AMQPError) {
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
  func serve(_ connection: Connection) async throws(AMQPError) {
    while true {
      if let failure = connection.failure ?? channelFailure { throw failure }
      if mailbox.isStopping { return }
      if let cancellation, cancellation.lookAgain <= .now {
        try await lookForQueue(connection)
      } else if wantsDeliveries != (consumerTag != nil), cancellation == nil {
        if let tag = consumerTag {
          try await connection.call(.cancel(tag: tag), channel: Self.channel)
          if consumerTag == tag { consumerTag = nil }
          ended.append(acks.latest)
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

  func parked(until deadline: ContinuousClock.Instant?) async {
    await withCheckedContinuation { gate.park($0, until: deadline) }
  }

  var hasWork: Bool {
    mailbox.isStopping || !requests.isEmpty || channelFailure != nil
      || connection.map { $0.failure != nil || (cancellation == nil && wantsDeliveries != (consumerTag != nil)) }
        ?? false
  }

  func lookForQueue(_ connection: Connection) async throws(AMQPError) {
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
  func look(at queue: String, _ connection: Connection) async throws(AMQPError) -> QueueInfo {
    try await connection.call(.channelOpen, channel: Self.scratchChannel)
    let found = try await connection.call(
      .queueDeclare(name: queue, passive: true, durable: false, exclusive: false, autoDelete: false, FieldTable()),
      channel: Self.scratchChannel)
    try await connection.call(.channelClose, channel: Self.scratchChannel)
    return QueueInfo(
      name: queue, readyMessages: Int(found.messages), consumers: Int(found.consumers), ownConsumers: ownConsumers())
  }

  /// How many consumers of ours the broker counts: one that was ended stays until what it got is settled.
  func ownConsumers() -> Int {
    var first: UInt64 = 1
    var kept: [UInt64] = []
    for last in ended {
      if first <= last, acks.isOutstanding(in: first...last) { kept.append(last) }
      first = max(first, last + 1)
    }
    ended = kept
    return kept.count + (consumerTag == nil ? 0 : 1)
  }

  func answer(_ request: ConsumerMailbox.Request, _ connection: Connection) async {
    switch request {
    case .barrier(let answer, let wanted):
      guard wanted ?? generation == generation else {
        answer.succeed(false)
        return
      }
      // The channel handles its methods in order, and setting the same prefetch again needs no permission.
      let passed = try? await connection.call(.qos(prefetch: options.prefetch), channel: Self.channel)
      answer.succeed(passed != nil)
    case .queueInfo(let answer):
      let queue = options.queueName.withLock { $0 } ?? ""
      answer.succeed(try? await look(at: queue, connection))
    }
  }

  /// Bounded by a few seconds: correctness never depends on a tidy end.
  func close(_ connection: Connection) async {
    let limit = Duration.seconds(2)
    do throws(AMQPError) {
      if let tag = consumerTag {
        try await connection.call(.cancel(tag: tag), channel: Self.channel, timeout: limit)
      }
      try await connection.call(.qos(prefetch: options.prefetch), channel: Self.channel, timeout: limit)
      for case .barrier(let answer, let wanted) in requests { answer.succeed(wanted ?? generation == generation) }
      try await connection.call(.connectionClose, channel: 0, timeout: limit)
    } catch {
      logger.info("the broker connection did not close in order", metadata: ["error": "\(error)"])
    }
  }
}
