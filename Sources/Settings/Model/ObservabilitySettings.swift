/// What is logged, counted and traced.
public struct ObservabilitySettings: Sendable, Equatable {
  /// The least severe level that is logged.
  public enum LogLevel: String, Sendable, CaseIterable { case trace, debug, info, notice, warning, error, critical }

  /// The form of a log line.
  public enum LogFormat: String, Sendable, CaseIterable {
    /// Text on a terminal, JSON elsewhere.
    case auto
    case json, text
  }

  public var metricsPrefix = "llm_batch"
  public var traceIDHeader = "x-batch-trace-id"
  public var logLevel = LogLevel.info
  public var logFormat = LogFormat.auto
  /// Where spans are sent. Empty: nowhere.
  public var otlpEndpoint = ConnectionURL("")

  public init() {}
}

/// The HTTP endpoints of the service.
public struct AdminSettings: Sendable, Equatable {
  public var listen = ListenAddress(host: "127.0.0.1", port: 9464)
  /// A second listener with health, readiness and metrics only.
  public var healthListen: ListenAddress?
  /// What callers of `listen` present. Empty: nothing.
  public var token = Secret("")

  public init() {}
}
