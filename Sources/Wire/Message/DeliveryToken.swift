/// Names one delivery for ack or nack. Tags restart at 1 on every channel, so the generation goes with the tag:
/// a token of an earlier channel settles nothing.
public struct DeliveryToken: Hashable, Sendable {
  public var generation: UInt64
  public var tag: UInt64

  public init(generation: UInt64, tag: UInt64) {
    self.generation = generation
    self.tag = tag
  }
}
