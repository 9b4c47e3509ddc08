/// That the ack of a row, whose message only a fingerprint tells from others, is not known to have been processed.
public struct AckMark: Hashable, Sendable {
  public var id: RequestID
  /// The channel that delivered the message the last time.
  public var generation: Int64

  public init(id: RequestID, generation: Int64) {
    self.id = id
    self.generation = generation
  }
}
