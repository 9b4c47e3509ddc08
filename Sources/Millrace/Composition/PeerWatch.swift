import AMQP
import ServiceLifecycle
import Settings
import Worker

/// Counts the services that consume the interactive queue without sharing a ledger, so that each takes only its part of
/// what the accounts allow.
struct PeerWatch: Service {
  private let consumer: Consumer?
  private let worker: Worker
  private static let interval = Duration.seconds(1)
  /// While services come and go.
  private static let shortInterval = Duration.milliseconds(100)
  private static let looksAfterChange = 50

  init(_ settings: MillraceSettings, links: BrokerLinks, worker: Worker) {
    var consumer: Consumer?
    if case .sqlite = settings.ledger.engine, settings.ledger.allowUnsharedInteractive { consumer = links.interactive }
    self.consumer = consumer
    self.worker = worker
  }

  func run() async throws {
    await cancelWhenGracefulShutdown {
      var known = 0
      var looks = Self.looksAfterChange
      while !Task.isCancelled {
        if let info = await consumer?.queueInfo() {
          looks = info.consumers == known ? max(0, looks - 1) : Self.looksAfterChange
          // One that has just come counts at once, one that has gone when it was missed twice.
          worker.setPeers(max(info.consumers, known))
          known = info.consumers
        }
        let pause = consumer == nil ? .seconds(86_400) : looks > 0 ? Self.shortInterval : Self.interval
        guard (try? await Task.sleep(for: pause)) != nil else { return }
      }
    }
  }
}
