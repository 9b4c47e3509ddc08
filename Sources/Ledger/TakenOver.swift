/// What a process has taken over from one that is gone.
public struct TakenOver: Sendable {
  /// Open batches, which this process brings to their end from now on.
  public var batches: [BatchRecord] = []
  /// Whether replies became this process's to publish.
  public var replies = false
  /// Whether calls went back to the parked rows.
  public var parked = false
  /// Whether accepted rows may have lost the window that they were in.
  public var windows = false

  public init() {}

  public var isEmpty: Bool { batches.isEmpty && !replies && !parked && !windows }
}
