import AMQP
import BatchCore
import Logging
import Settings
import Worker

extension AMQPSettings {
  func connection(
    named name: String, isBackground: Bool = false
  ) throws(AMQPError) -> ConnectionConfiguration {
    var connection = try ConnectionConfiguration(urls: urls.map { $0.reveal() })
    connection.connectionName = "millrace \(name)"
    connection.heartbeat = heartbeat
    connection.isBackground = isBackground
    if connection.tls != nil || !tls.caFile.isEmpty || !tls.certFile.isEmpty || !tls.verify {
      var found = connection.tls ?? TLSConfiguration()
      if !tls.caFile.isEmpty { found.caFile = tls.caFile }
      if !tls.certFile.isEmpty { found.certificateFile = tls.certFile }
      if !tls.keyFile.isEmpty { found.keyFile = tls.keyFile }
      found.verify = tls.verify
      if connection.tls != nil { connection.tls = found }
    }
    return connection
  }
}

/// The four connections of a service: one for each lane to consume, and one for each to publish, so that answers that
/// somebody waits for don't queue behind those of a batch.
struct BrokerLinks: Sendable {
  let interactive: Consumer
  let deferred: Consumer
  let publisher: Publisher
  let urgentPublisher: Publisher

  init(_ settings: AMQPSettings, logger: Logger) throws(AMQPError) {
    interactive = Consumer(
      configuration: try settings.connection(named: "interactive"), queue: settings.names.interactiveQueue,
      prefetch: settings.prefetch.interactive, maxUnackedBytes: settings.maxUnackedBytes, logger: logger)
    deferred = Consumer(
      configuration: try settings.connection(named: "deferred", isBackground: true),
      queue: settings.names.deferredQueue,
      prefetch: settings.prefetch.deferred, maxUnackedBytes: settings.maxUnackedBytes, logger: logger)
    publisher = Publisher(
      configuration: try settings.connection(named: "publish", isBackground: true), limits: PublisherConfiguration(),
      logger: logger)
    urgentPublisher = Publisher(
      configuration: try settings.connection(named: "publish interactive"), limits: PublisherConfiguration(),
      logger: logger)
  }

  /// What the service cannot do now, by connection; empty when all are up.
  var problems: [(name: String, detail: String)] {
    [
      ("interactive", interactive.state), ("deferred", deferred.state), ("publish", publisher.state),
      ("publish interactive", urgentPublisher.state),
    ].compactMap { name, state in
      switch state {
      case .connected: nil
      case .connecting(let reason): (name, "connecting: \(reason)")
      case .blocked(let reason): (name, "the broker has blocked publishing: \(reason)")
      case .stalled(let reason): (name, reason)
      case .waiting(_, let lastError): (name, lastError)
      case .consumerCancelled(let reason): (name, "the broker cancelled the consumer: \(reason)")
      case .stopped: (name, "stopped")
      }
    }
  }
}
