import BatchCore
import CurlHTTP
import Logging
import ServiceLifecycle
import Settings
import Wire
import Worker

/// POSTs alerts to `execution.webhook_url`. Whoever is not there misses them: what is the matter shows on `/readyz`, in the
/// metrics and in the log all the same.
struct AlertWebhook: Service {
  private let url: ConnectionURL
  private let logger: Logger
  private let alerts: AsyncStream<Alerts.Alert>
  private let inbox: AsyncStream<Alerts.Alert>.Continuation
  private static let mostWaiting = 64
  private let pause: @Sendable (_ attempt: Int) -> Duration
  static let tries = 3

  /// Nil where webhooks are not enabled.
  ///
  /// - Parameter pause: After so many tries that failed.
  init?(
    _ execution: ExecutionSettings, logger: Logger,
    pause: @escaping @Sendable (_ attempt: Int) -> Duration = { .seconds($0) }
  ) {
    guard execution.enableWebhooks, execution.webhookURL.hasLocation else { return nil }
    url = execution.webhookURL
    self.pause = pause
    self.logger = logger
    (alerts, inbox) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.mostWaiting))
  }

  func send(_ alert: Alerts.Alert) { inbox.yield(alert) }

  func run() async throws {
    let client = HTTPClient(configuration: HTTPClientConfiguration(userAgent: MillraceVersion.userAgent))
    await cancelWhenGracefulShutdown {
      for await alert in alerts { await post(alert, with: client) }
    }
    await client.shutdown()
  }

  private func post(_ alert: Alerts.Alert, with client: HTTPClient) async {
    var body = JSONWriter()
    body.beginObject()
    let members = [
      ("type", alert.isRaised ? "alert.raised" : "alert.cleared"), ("alert", alert.kind.name), ("text", alert.text),
      ("instance", MillraceVersion.instance),
    ]
    for (name, value) in members {
      body.key(name)
      body.string(value)
    }
    body.endObject()
    let request = HTTPRequest(
      method: "POST", url: url.reveal(), headers: [("Content-Type", "application/json")], body: .bytes(body.bytes),
      limits: HTTPLimits(connect: .seconds(5), idle: .seconds(10), total: .seconds(10), maximumResponseBytes: 1 << 16))
    var problem = ""
    for attempt in 1...Self.tries {
      do throws(HTTPError) {
        let response = try await client.send(request)
        if (200..<300).contains(response.head.status) { return }
        problem = "it answered \(response.head.status)"
      } catch {
        problem = "\(error.kind)"
      }
      // The service ends, which says nothing of the address.
      if Task.isCancelled { return }
      guard attempt < Self.tries, (try? await Task.sleep(for: pause(attempt))) != nil else { break }
    }
    logger.warning(
      "An alert could not be posted to execution.webhook_url",
      metadata: ["alert": "\(alert.kind.name)", "problem": "\(problem)"])
  }
}
