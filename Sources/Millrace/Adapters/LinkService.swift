import AMQP
import ServiceLifecycle

/// A connection to the broker as a service: it runs until everything that needs it has stopped.
struct LinkService: Service {
  let start: @Sendable () async -> Void

  func run() async throws {
    // Cancellation and `stop` are the same to a link: it flushes and closes.
    await cancelWhenGracefulShutdown { await start() }
  }
}
