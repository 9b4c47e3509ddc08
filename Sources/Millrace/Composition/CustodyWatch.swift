import AMQP
import BatchCore
import Logging
import ServiceLifecycle
import Settings
import Worker

/// Keeps a service whose ledger is a file of its own from sharing request queues with others. It leaves one alone whose
/// ledger is a database, through which replicas share custody.
///
/// With `ledger.allow_unshared_interactive` the interactive queue may be shared, and only the deferred one is guarded.
final class CustodyWatch: Service {
  private struct Guarded: Sendable {
    var queue: String
    var consumer: Consumer
  }

  private static let interval = Duration.seconds(2)
  /// While it is not known yet whether to consume, so that the start takes no longer than it must.
  private static let firstInterval = Duration.milliseconds(50)

  private let guarded: [Guarded]
  private let sharesInteractive: Bool
  private let heartbeat: Duration
  private let health: HealthBoard
  private let logger: Logger
  private let time = SystemTimekeeper()

  /// Consumers that are guarded stay out of their queues until `run` lets them in.
  init(_ settings: MillraceSettings, links: BrokerLinks, health: HealthBoard, logger: Logger) {
    let names = settings.amqp.names
    sharesInteractive = settings.ledger.allowUnsharedInteractive
    heartbeat = settings.amqp.heartbeat
    self.health = health
    self.logger = logger
    var guarded: [Guarded] = []
    if case .sqlite = settings.ledger.engine {
      guarded.append(Guarded(queue: names.deferredQueue, consumer: links.deferred))
      if !sharesInteractive { guarded.append(Guarded(queue: names.interactiveQueue, consumer: links.interactive)) }
    }
    self.guarded = guarded
    for each in guarded {
      each.consumer.pause()
      noteUnseen(each)
    }
  }

  func run() async throws {
    if guarded.isEmpty { return try await gracefulShutdown() }
    await cancelWhenGracefulShutdown { await self.watch() }
  }

  private func watch() async {
    var rule = SoleConsumer(heartbeat: heartbeat)
    var isDecided = false
    var waits = false
    var pause = Self.firstInterval
    while !Task.isCancelled {
      let looks = await look()
      switch rule.decide(looks, at: time.monotonic(), random: .random(in: .min ... .max)) {
      case .stay: break
      case .consume:
        isDecided = true
        if waits { logger.info("The request queues have no other consumers any more; consuming") }
        waits = false
        for each in guarded { each.consumer.resume() }
        health.clear(part)
      case .leave(let reason):
        isDecided = true
        if !waits { logger.error("Not consuming", metadata: ["reason": "\(reason)"]) }
        waits = true
        for each in guarded { each.consumer.pause() }
        health.report(part, reason)
      }
      // Not in step with another that looks as often.
      pause = isDecided ? Self.interval * Double.random(in: 0.75...1) : min(pause * 1.2, Self.interval)
      do { try await Task.sleep(for: pause) } catch { return }
    }
  }

  /// With a shared interactive lane the service does its work all the same.
  private var part: HealthBoard.Part { .consumers(stopsService: !sharesInteractive) }

  private func look() async -> [SoleConsumer.Look?] {
    var looks: [SoleConsumer.Look?] = []
    for each in guarded {
      guard let info = await each.consumer.queueInfo() else {
        noteUnseen(each)
        looks.append(nil)
        continue
      }
      health.clear(.broker("queue.\(each.queue)"))
      looks.append(
        SoleConsumer.Look(
          queue: each.queue, consumers: info.consumers, own: info.ownConsumers,
          connection: each.consumer.counters.reconnects))
    }
    return looks
  }

  /// Until it is seen that nobody else consumes it, nothing is taken from a queue; and whoever is left out of a queue does
  /// not hear that it was deleted.
  private func noteUnseen(_ guarded: Guarded) {
    health.report(
      .broker("queue.\(guarded.queue)"),
      "whether others consume the queue '\(guarded.queue)' cannot be seen: no connection, or no such queue")
  }
}
