public import BatchCore

/// The worker's time, so that tests can hold it.
public protocol Timekeeper: Sendable {
  /// Wall time: what is recorded, and what deadlines are compared with.
  func now() -> Timestamp

  /// Time since an arbitrary start that no clock adjustment moves: what windows and delays are measured with.
  func monotonic() -> Timestamp

  /// Suspends for the duration; ends early with `CancellationError` when the task is cancelled.
  func sleep(for duration: Duration) async throws
}

/// The machine's clocks.
public struct SystemTimekeeper: Timekeeper {
  private let start = ContinuousClock.now

  public init() {}

  public func now() -> Timestamp { Timestamp(milliseconds: WallClock.milliseconds()) }

  public func monotonic() -> Timestamp {
    Timestamp(milliseconds: (ContinuousClock.now - start).wholeMilliseconds)
  }

  public func sleep(for duration: Duration) async throws {
    try await Task.sleep(for: duration)
  }
}
