import Threading
import Wire

/// A connection for one task that asks a few things of the broker and goes.
actor TemporaryLink: EventLoopDriver {
  /// Channels are opened one at a time for what may fail.
  private static let channel: UInt16 = 1

  private nonisolated let thread: EventThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }
  private var connection: Connection?
  private var isOpen = false

  private init(thread: EventThread) {
    self.thread = thread
  }

  /// Connects to the first node that can be had, runs `body`, and closes the connection whatever came of it.
  static func with<Value: Sendable>(
    _ configuration: ConnectionConfiguration,
    _ body: @Sendable (TemporaryLink) async throws(AMQPError) -> Value
  ) async throws(AMQPError) -> Value {
    let thread = EventThread(name: "amqp-once", stackSize: EventThread.amqpStackSize)
    let link = TemporaryLink(thread: thread)
    thread.attach(link)
    let result: Result<Value, AMQPError>
    do throws(AMQPError) {
      try await link.connect(configuration)
      result = .success(try await body(link))
    } catch {
      result = .failure(error)
    }
    await link.close()
    await thread.stop()
    return try result.get()
  }

  private func connect(_ configuration: ConnectionConfiguration) throws(AMQPError) {
    var dialer = Dialer(configuration)
    connection = try dialer.dial { false }
  }

  var broker: BrokerInfo? { connection?.handle.broker }

  /// Calls on a channel that is opened when it must be: a refusal closes it, and the next call opens it again.
  func call(_ method: Method) async throws(AMQPError) -> Incoming.Reply {
    guard let connection else { throw AMQPError(.stopped, "the connection was closed") }
    if !isOpen {
      try await connection.call(.channelOpen, channel: Self.channel)
      isOpen = true
    }
    return try await connection.call(method, channel: Self.channel)
  }

  private func close() async {
    _ = try? await connection?.call(.connectionClose, channel: 0, timeout: .seconds(2))
    connection = nil
  }

  nonisolated func turn(wake: CInt) {
    assumeIsolated { $0.step(wake: wake) }
  }

  private func step(wake: CInt) {
    guard let connection, connection.failure == nil else { return EventThread.wait(wake: wake, until: nil) }
    do throws(AMQPError) {
      let now = ContinuousClock.now
      let more = try connection.receive(limit: 256) { incoming in
        if case .channelClosed = incoming { isOpen = false }
      }
      try connection.flush(now: now)
      try connection.checkTimers(now: now)
      connection.wait(wake: wake, deadline: more ? now : nil)
    } catch {
      connection.fail(error)
    }
  }
}

extension ConnectionConfiguration {
  /// Connects, logs in, and closes again: whether the settings are right, and who answers.
  public func probe() async throws(AMQPError) -> BrokerInfo {
    try await TemporaryLink.with(self) { (link) throws(AMQPError) in
      guard let broker = await link.broker else { throw AMQPError(.stopped, "the connection was closed") }
      return broker
    }
  }

  /// Looks at a queue that exists, without touching it. Throws code 404 if there is none.
  public func queueInfo(_ name: String) async throws(AMQPError) -> QueueInfo {
    try await TemporaryLink.with(self) { (link) throws(AMQPError) in
      let found = try await link.call(
        .queueDeclare(name: name, passive: true, durable: false, exclusive: false, autoDelete: false, FieldTable()))
      return QueueInfo(name: name, readyMessages: Int(found.messages), consumers: Int(found.consumers))
    }
  }
}
