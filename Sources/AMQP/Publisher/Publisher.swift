public import Logging
import Threading
public import Wire

/// Publishes with confirms over a connection and a thread of its own, pipelined, and reconnects for as long as it runs.
public final class Publisher: Sendable {
  private let configuration: ConnectionConfiguration
  private let limits: PublisherConfiguration
  private let logger: Logger
  private let mailbox = PublisherMailbox()
  private let status = LinkStatus()
  private let lifecycle = LinkLifecycle()

  public init(
    configuration: ConnectionConfiguration, limits: PublisherConfiguration = PublisherConfiguration(), logger: Logger
  ) {
    self.configuration = configuration
    self.limits = limits
    self.logger = logger
  }

  public var state: LinkState { status.state }
  public var counters: LinkCounters { status.counters }

  /// The present state and every later one; a slow reader sees only the newest. Ends when the publisher has stopped.
  public func updates() -> AsyncStream<LinkState> { status.updates() }

  /// Connects, publishes and reconnects until `stop()` or until the task is cancelled, which is the same. Call it once.
  public func run() async {
    guard lifecycle.begin() else { return }
    await withTaskCancellationHandler {
      let thread = EventThread(
        name: "amqp-publish", priority: configuration.isBackground ? .background : .normal,
        stackSize: EventThread.amqpStackSize)
      let core = PublisherCore(
        thread: thread, dialer: Dialer(configuration), limits: limits, mailbox: mailbox, status: status, logger: logger)
      mailbox.attach(thread)
      thread.attach(core)
      await core.run()
      for request in mailbox.finish() { request.giveUp() }
      await thread.stop()
    } onCancel: {
      mailbox.stop()
    }
    status.finish()
    lifecycle.end()
  }

  /// Publishes messages in order and says what became of each, in the same order.
  ///
  /// Many calls may be under way at once. Waits while the broker is away, up to the limits' `connectTimeout`, during its
  /// alarms, and while too much is unconfirmed. Before `run()` it waits for that; after `stop()` the outcome is
  /// `unknown`. A `rejected` with code 0 was not even sent: it cannot be encoded. Cancelling the task changes nothing,
  /// since a message that is written cannot be taken back.
  public func publish(_ messages: [OutboundMessage]) async -> [PublishOutcome] {
    guard !messages.isEmpty else { return [] }
    let request = PublisherMailbox.Request(messages: messages, done: OneShot())
    if !mailbox.post(request) { request.giveUp() }
    return await request.done.value
  }

  /// Accepts no more messages, waits for the confirms of those it has, and closes the connection.
  public func stop() async {
    mailbox.stop()
    await lifecycle.stopped()
    // What was given to a publisher that never ran.
    for request in mailbox.finish() { request.giveUp() }
  }
}

extension PublisherMailbox.Request {
  func giveUp() {
    done.succeed(Array(repeating: .unknown, count: messages.count))
  }
}
