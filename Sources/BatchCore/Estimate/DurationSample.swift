/// How long something took, or had taken when it was last seen.
public struct DurationSample: Hashable, Sendable {
  public var length: Duration
  /// Whether it was not over then: it would have taken longer, nobody knows how much.
  public var isCut: Bool

  public init(_ length: Duration, isCut: Bool = false) {
    self.length = length
    self.isCut = isCut
  }
}
