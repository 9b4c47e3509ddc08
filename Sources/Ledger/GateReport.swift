public import BatchCore

/// Whose limits a gate guards.
public struct GateKey: Hashable, Sendable {
  /// Provider, URL and key fingerprint.
  public var account: String
  /// The model's name at the provider; empty for the account's batches.
  public var model: String

  public init(account: String, model: String) {
    self.account = account
    self.model = model
  }
}

/// What this process tells of one gate that replicas share, and wants of it.
public struct GateReport: Sendable {
  public var key: GateKey
  public var report: PaceReport
  public var limits: PaceLimits

  public init(key: GateKey, report: PaceReport, limits: PaceLimits) {
    self.key = key
    self.report = report
    self.limits = limits
  }
}
