/// What one step of the retention removed.
public struct PurgedRows: Hashable, Sendable {
  public var requests: Int
  /// Request bodies and responses, those of the removed requests not counted.
  public var bodies: Int
  public var batches: Int

  public init(requests: Int = 0, bodies: Int = 0, batches: Int = 0) {
    self.requests = requests
    self.bodies = bodies
    self.batches = batches
  }
}
