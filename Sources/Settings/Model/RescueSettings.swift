/// How deadlines are kept that a native batch would miss.
public struct RescueSettings: Sendable, Equatable {
  /// What may knowingly be paid twice within a day, in pico-USD (1e-12).
  public var maxDoubleSpend: Int64 = 5_000_000_000_000
  /// Time to spare between the last answer and its deadline.
  public var buffer = Duration.seconds(60)
  /// How long a batch typically takes, before any have taught it.
  public var assumedTurnaround = Duration.seconds(3600)
  /// How long it takes from a cancel to the results, likewise.
  public var assumedCancel = Duration.seconds(600)

  public init() {}
}
