/// When a window closes. Each limit is the largest that a batch may reach, never passed.
public struct WindowLimits: Hashable, Sendable {
  /// How long after the latest arrival.
  public var idle: Duration
  /// How long after the first arrival, at most.
  public var maximumAge: Duration
  public var maximumRequests: Int
  public var maximumTokens: Int64
  public var maximumBytes: Int64

  public init(
    idle: Duration, maximumAge: Duration, maximumRequests: Int, maximumTokens: Int64, maximumBytes: Int64
  ) {
    self.idle = idle
    self.maximumAge = maximumAge
    self.maximumRequests = maximumRequests
    self.maximumTokens = maximumTokens
    self.maximumBytes = maximumBytes
  }

  /// The limit that such a sum reaches, if any.
  func limitReached(requests: Int, tokens: Int64, bytes: Int64) -> WindowTrigger? {
    if requests >= maximumRequests { return .requests }
    if tokens >= maximumTokens { return .tokens }
    if bytes >= maximumBytes { return .bytes }
    return nil
  }

  /// The limit that such a sum passes, if any.
  func limitPassed(requests: Int, tokens: Int64, bytes: Int64) -> WindowTrigger? {
    if requests > maximumRequests { return .requests }
    if tokens > maximumTokens { return .tokens }
    if bytes > maximumBytes { return .bytes }
    return nil
  }
}
