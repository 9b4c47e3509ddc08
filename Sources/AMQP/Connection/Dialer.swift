/// Connects to one node of the broker after the other, and knows how long to wait when none can be had.
struct Dialer {
  let configuration: ConnectionConfiguration
  private var backoff = Backoff()
  private var generator = SystemRandomNumberGenerator()

  init(_ configuration: ConnectionConfiguration) {
    self.configuration = configuration
  }

  /// Blocks the calling thread. `isStopped` is asked between two nodes.
  mutating func dial(isStopped: () -> Bool) throws(AMQPError) -> Connection {
    var last = AMQPError(.configuration, "no broker endpoint is configured")
    for endpoint in configuration.endpoints.shuffled(using: &generator) {
      if isStopped() { throw AMQPError(.stopped, "stopped while connecting") }
      do throws(AMQPError) {
        return try Connection(endpoint, configuration)
      } catch {
        last = error
      }
    }
    throw last
  }

  /// When to try again after `error`.
  mutating func retryTime(after error: AMQPError, connectedFor lifetime: Duration?) -> ContinuousClock.Instant {
    if let lifetime { backoff.connectionEnded(after: lifetime) }
    return .now + backoff.delay(slow: error.needsOperator, using: &generator)
  }
}
