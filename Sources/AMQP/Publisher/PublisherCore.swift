import Logging
import Threading
import Wire

/// The publisher on its event thread: a driver that moves data, and a control task that connects; see `ConsumerCore`.
///
/// A publish that the broker cannot accept closes the channel for all. Everything unconfirmed is then suspect and is
/// written again in ever smaller groups, until a channel closes for a single message: that one is the culprit.
actor PublisherCore: EventLoopDriver {
  static let channel: UInt16 = 1
  static let readLimit = 1024

  nonisolated let thread: EventThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

  let limits: PublisherConfiguration
  let mailbox: PublisherMailbox
  let status: LinkStatus
  let logger: Logger
  var dialer: Dialer

  var connection: Connection?
  var sessions = 0
  /// Whether the channel is open and confirms are on.
  var ready = false
  var channelClosed = false
  var gate = ControlGate()
  var queue = PublishQueue()
  var tracker = ConfirmTracker<PublishItem>()
  /// A large message that is written frame by frame, as the socket has room, and how far it is.
  var partial: (item: PublishItem, offset: Int)?
  /// How many messages may be unconfirmed while a culprit is looked for.
  var suspectWindow: Int?
  /// Calls whose messages are all settled. They are told when the counters are, so that these never lag behind.
  var settledJobs: [PublishJob] = []
  var changes = LinkCounters()
  var ended = false
  var stopDeadline: ContinuousClock.Instant?
  var activeTime = ActiveTime()

  init(
    thread: EventThread, dialer: Dialer, limits: PublisherConfiguration, mailbox: PublisherMailbox, status: LinkStatus,
    logger: Logger
  ) {
    self.thread = thread
    self.dialer = dialer
    self.limits = limits
    self.mailbox = mailbox
    self.status = status
    self.logger = logger
  }

  // MARK: Control

  func run() async {
    var reason = "first connection"
    while !mailbox.isStopping {
      status.set(.connecting(reason: reason))
      do throws(AMQPError) {
        let connection = try dialer.dial { mailbox.isStopping }
        if sessions > 0 { status.count { $0.reconnects += 1 } }
        sessions += 1
        self.connection = connection
        try await openChannel(connection)
        status.set(.connected(connection.handle.broker))
        logger.info("publishing", metadata: ["broker": "\(connection.handle.broker)"])
        try await serve(connection)
        _ = try? await connection.call(.connectionClose, channel: 0, timeout: .seconds(2))
        endSession()
      } catch {
        let lifetime = connection.map { .now - $0.openedAt }
        if let connection {
          try? connection.send(.connectionClose, channel: 0)
          try? connection.flush(now: .now)
        }
        endSession()
        if mailbox.isStopping { break }
        reason = error.description
        let retry = dialer.retryTime(after: error, connectedFor: lifetime)
        logger.warning("the publisher lost its broker", metadata: ["error": "\(error)"])
        status.set(.waiting(until: retry, lastError: reason))
        while !mailbox.isStopping, ContinuousClock.now < retry { await parked(until: retry) }
      }
    }
    finishAll()
  }

  func openChannel(_ connection: Connection) async throws(AMQPError) {
    try await connection.call(.channelOpen, channel: Self.channel)
    try await connection.call(.confirmSelect, channel: Self.channel)
    ready = true
  }

  func serve(_ connection: Connection) async throws(AMQPError) {
    while true {
      if let failure = connection.failure { throw failure }
      if channelClosed {
        channelClosed = false
        try await openChannel(connection)
      } else if mailbox.isStopping {
        let deadline = stopDeadline ?? .now + limits.stopTimeout
        stopDeadline = deadline
        if isDrained || deadline <= .now { return }
        await parked(until: deadline)
      } else {
        await parked(until: nil)
      }
    }
  }

  func parked(until deadline: ContinuousClock.Instant?) async {
    await withCheckedContinuation { gate.park($0, until: deadline) }
  }

  var isDrained: Bool { queue.isEmpty && tracker.isEmpty }

  var hasWork: Bool {
    connection?.failure != nil || channelClosed
      || (mailbox.isStopping && (connection == nil || isDrained || stopDeadline == nil))
  }

  /// What was written is unknown, suspects included; what was not waits for the next connection.
  func endSession() {
    connection?.fail(AMQPError(.stopped, "the connection was closed"))
    connection = nil
    ready = false
    channelClosed = false
    partial = nil
    suspectWindow = nil
    activeTime.resume(now: .now)
    for item in tracker.removeAll() + queue.removeSuspects() { settle(item, .unknown) }
    report()
  }

  func finishAll() {
    ended = true
    for request in mailbox.take() { queue.append(PublishJob(request, now: .now)) }
    while let item = queue.first() {
      queue.removeFirst()
      settle(item, .unknown)
    }
    report()
  }

  func settle(_ item: PublishItem, _ outcome: PublishOutcome) {
    if item.job.settle(item.index, outcome) { settledJobs.append(item.job) }
  }

  /// Publishes the counters, and then the outcomes.
  func report() {
    if changes != LinkCounters() {
      status.count { $0.add(changes) }
      changes = LinkCounters()
    }
    for job in settledJobs { job.report() }
    settledJobs.removeAll(keepingCapacity: true)
  }

  // MARK: Driver

  nonisolated func turn(wake: CInt) {
    assumeIsolated { $0.step(wake: wake) }
  }

  func step(wake: CInt) {
    let now = ContinuousClock.now
    if !ended { for request in mailbox.take() { queue.append(PublishJob(request, now: now)) } }
    var more = false
    if let connection, connection.failure == nil {
      do throws(AMQPError) {
        more = try connection.receive(limit: Self.readLimit) { take($0, now: now) }
        // Twice, since most of what is encoded leaves at once.
        for _ in 0..<2 {
          let begun = write(connection, now: now)
          try connection.flush(now: now)
          if begun > 0 { Failpoint.publish.after() }
        }
        more = more || (canWrite && connection.output.pending == 0)
        try connection.checkTimers(now: now)
        try checkConfirms(connection, now: now)
      } catch {
        connection.fail(error)
      }
    }
    let expiry = ready ? nil : expire(now: now)
    report()
    gate.open(if: hasWork, now: now)
    if let connection, connection.failure == nil {
      let deadlines = [more ? now : nil, gate.deadline, expiry, confirmDeadline(now: now)]
      connection.wait(wake: wake, deadline: deadlines.compactMap(\.self).min())
    } else {
      EventThread.wait(wake: wake, until: [gate.deadline, expiry].compactMap(\.self).min())
    }
  }

  /// Gives up on messages that have waited too long for a connection. Returns when the next one has.
  func expire(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    while let oldest = queue.oldest {
      guard oldest + limits.connectTimeout <= now, let item = queue.first() else {
        return oldest + limits.connectTimeout
      }
      queue.removeFirst()
      settle(item, .unknown)
    }
    return nil
  }

  func confirmDeadline(now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let oldest = tracker.oldest, !activeTime.isPaused else { return nil }
    return now + (oldest.writtenAt + limits.confirmTimeout - activeTime.elapsed(now: now)) + .milliseconds(1)
  }

  func checkConfirms(_ connection: Connection, now: ContinuousClock.Instant) throws(AMQPError) {
    guard !activeTime.isPaused, let oldest = tracker.oldest else { return }
    // A large message may take its time as long as the socket takes it.
    let waited = partial == nil ? activeTime.elapsed(now: now) - oldest.writtenAt : connection.stalled(now: now)
    if waited > limits.confirmTimeout {
      throw AMQPError(
        .timedOut, "\(connection.handle.broker.endpoint) confirmed nothing for \(limits.confirmTimeout)")
    }
  }

  func take(_ incoming: Incoming, now: ContinuousClock.Instant) {
    switch incoming {
    case .acknowledged(Self.channel, let tag, let multiple, let positive):
      acknowledged(tag: tag, multiple: multiple, positive: positive)
    case .content(Self.channel, let content):
      guard case .returned(let code, let text) = content.origin else { return }
      changes.returns += 1
      let matched = tracker.returned(code: code, text: text) { $0.message.isOrigin(of: content) }
      if !matched { logger.warning("a message came back that was not published here", metadata: ["text": "\(text)"]) }
    case .channelClosed(Self.channel, let code, let text, _):
      lostChannel(code: code, text: text)
    case .blocked(let reason):
      activeTime.pause(now: now)
      status.set(.blocked(reason: reason))
      logger.warning("the broker blocks publishing", metadata: ["reason": "\(reason)"])
    case .unblocked:
      activeTime.resume(now: now)
      if let connection { status.set(.connected(connection.handle.broker)) }
    case .content, .acknowledged, .channelClosed, .cancelled, .reply, .connectionClosed:
      break
    }
  }

  func acknowledged(tag: UInt64, multiple: Bool, positive: Bool) {
    Failpoint.confirm.before()
    defer { Failpoint.confirm.after() }
    var settled: UInt64 = 0
    tracker.acknowledged(tag: tag, multiple: multiple, positive: positive) { item, outcome in
      settled += 1
      switch outcome {
      case .confirmed: settle(item, .confirmed)
      case .returned(let code, let text): settle(item, .returned(code: code, text: text))
      case .refused: settle(item, .refused)
      }
    }
    if positive { changes.confirms += settled } else { changes.refusals += settled }
    guard tracker.isEmpty, let window = suspectWindow else { return }
    suspectWindow = queue.hasSuspects ? min(window * 2, limits.maxUnconfirmed) : nil
  }

  func lostChannel(code: UInt16, text: String) {
    changes.channelCloses += 1
    ready = false
    channelClosed = true
    partial = nil
    var suspects = tracker.removeAll()
    logger.warning(
      "the broker closed the publishing channel",
      metadata: ["code": "\(code)", "text": "\(text)", "unconfirmed": "\(suspects.count)"])
    let culprit = code == 403 || code == 404 ? suspects.first { $0.message.isBlocked(by: text) } : nil
    if let exchange = culprit?.message.exchange {
      // All that is meant for a missing or forbidden exchange shares its fate: to find out one by one would close a
      // channel for each.
      for item in suspects where item.message.exchange == exchange { settle(item, .rejected(code: code, text: text)) }
      suspects.removeAll { $0.message.exchange == exchange }
      return putBack(suspects, window: limits.maxUnconfirmed)
    }
    if suspects.count == 1 {
      // Codes from 500 on speak of the broker or of the connection, not of the message.
      settle(suspects[0], code < 500 ? .rejected(code: code, text: text) : .unknown)
      return
    }
    putBack(suspects, window: max(suspects.count / 4, 1))
  }

  private func putBack(_ suspects: [PublishItem], window: Int) {
    queue.putBack(suspects)
    if !suspects.isEmpty { suspectWindow = window }
  }
}
