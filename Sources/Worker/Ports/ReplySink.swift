public import Wire

/// Where replies go: a publisher with confirms.
public protocol ReplySink: Sendable {
  /// Publishes and waits for what becomes of each message. Outcomes keep the order of the messages.
  func publish(_ messages: [OutboundMessage]) async -> [PublishOutcome]
}
