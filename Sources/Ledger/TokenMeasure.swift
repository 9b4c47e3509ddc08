/// Input tokens that a provider reported of synchronous calls of one model, and what had been estimated of them.
public struct TokenMeasure: Hashable, Sendable {
  public var key: GateKey
  public var reported: Int64
  public var estimated: Int64

  public init(key: GateKey, reported: Int64, estimated: Int64) {
    self.key = key
    self.reported = reported
    self.estimated = estimated
  }
}
