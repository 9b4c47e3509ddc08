public import Logging
import Threading
public import Wire

/// Consumes one queue over a connection and a thread of its own, and reconnects for as long as it runs.
///
/// Every delivery must be settled once, in any order, from any task. A settlement of a delivery whose channel is gone
/// settles nothing: the broker delivers that message again.
public final class Consumer: Sendable {
  private let configuration: ConnectionConfiguration
  private let options: ConsumerCore.Options
  private let logger: Logger
  private let mailbox = ConsumerMailbox()
  private let status = LinkStatus()
  private let lifecycle = LinkLifecycle()

  /// - Parameters:
  ///   - prefetch: How many deliveries may be unsettled; from 1 to 65535.
  ///   - maxUnackedBytes: Beyond this many bytes of unsettled messages the consumer leaves its queue, and returns below
  ///     half of it. What is already on its way still comes, so memory may exceed it by what the prefetch allows.
  public init(
    configuration: ConnectionConfiguration, source: ConsumerSource, prefetch: Int, maxUnackedBytes: Int, logger: Logger
  ) {
    self.configuration = configuration
    options = .init(
      source: source, prefetch: UInt16(clamping: max(prefetch, 1)), maxUnackedBytes: max(maxUnackedBytes, 1))
    self.logger = logger
  }

  public convenience init(
    configuration: ConnectionConfiguration, queue: String, prefetch: Int, maxUnackedBytes: Int, logger: Logger
  ) {
    self.init(
      configuration: configuration, source: .queue(queue), prefetch: prefetch, maxUnackedBytes: maxUnackedBytes,
      logger: logger)
  }

  public var state: LinkState { status.state }
  public var counters: LinkCounters { status.counters }

  /// The present state and every later one; a slow reader sees only the newest. Ends when the consumer has stopped.
  public func updates() -> AsyncStream<LinkState> { status.updates() }

  /// The queue that is consumed now; `nil` for a temporary one while there is no connection.
  public var queueName: String? { options.queueName.withLock { $0 } }

  /// Connects, consumes and reconnects until `stop()` or until the task is cancelled, which is the same. Call it once.
  public func run() async {
    guard lifecycle.begin() else { return }
    await withTaskCancellationHandler {
      let thread = EventThread(
        name: "amqp-consume", priority: configuration.isBackground ? .background : .normal,
        stackSize: EventThread.amqpStackSize)
      let core = ConsumerCore(
        thread: thread, dialer: Dialer(configuration), options: options, mailbox: mailbox, status: status,
        logger: logger)
      mailbox.attach(thread)
      thread.attach(core)
      await core.run()
      // The thread must not be woken any more when it is gone.
      mailbox.finish()
      await thread.stop()
    } onCancel: {
      mailbox.stop()
    }
    status.finish()
    lifecycle.end()
  }

  /// The next deliveries, as many as are there up to 64, once there is at least one; `nil` after `finishDelivering()`
  /// or `stop()`. One task at a time.
  public func next() async -> [Delivery]? { await mailbox.next() }

  /// Settles deliveries. Returns at once; whether the broker has processed it, only `barrier()` tells.
  public func settle(_ settlements: [Settlement]) {
    if !mailbox.settle(settlements) { status.count { $0.staleSettlements += UInt64(settlements.count) } }
  }

  /// Waits until the broker's channel has processed every settlement made before.
  ///
  /// Returns false if the connection went meanwhile, or there is none: what was settled may then be delivered again. A later
  /// channel says nothing about an earlier one, so with `generation` it is false also if the channel is another by now.
  public func barrier(of generation: UInt64? = nil) async -> Bool {
    let answer = OneShot<Bool>()
    mailbox.ask(.barrier(answer, generation: generation))
    return await answer.value
  }

  /// Whether the channel of this generation is open, as far as is known. What it delivered and was not settled comes again
  /// once it is not.
  public func isOpen(_ generation: UInt64) -> Bool { options.openGeneration.withLock { $0 == generation } }

  /// Looks at the queue on a channel of its own. `nil` without a connection, a queue, or the permission.
  public func queueInfo() async -> QueueInfo? {
    let answer = OneShot<QueueInfo?>()
    mailbox.ask(.queueInfo(answer))
    return await answer.value
  }

  /// Leaves the queue, so that the broker sends no more. What was delivered before still comes and can be settled.
  public func pause() { mailbox.setPaused(true) }
  public func resume() { mailbox.setPaused(false) }

  /// Leaves the queue for good and ends `next()`; settling goes on until `stop()`. Unread deliveries stay unacked.
  public func finishDelivering() { mailbox.endDeliveries() }

  /// Leaves the queue, writes the settlements made before, waits until the broker has processed them, and closes the
  /// connection, all within a few seconds. Deliveries not settled go back to the queue.
  public func stop() async {
    mailbox.stop()
    await lifecycle.stopped()
  }
}
