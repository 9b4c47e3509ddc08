/// What became of a call, as its gate needs to know it.
public struct CallEnd: Hashable, Sendable {
  /// Nil if it was not made.
  public var disposition: Disposition?
  /// What it took in the end; nil while nobody knows, and where the provider counts the estimate.
  public var used: PaceAmount?
  public var observation: PaceObservation?
  public var duration: Duration?

  public init(
    _ disposition: Disposition?, used: PaceAmount? = nil, observation: PaceObservation? = nil, duration: Duration? = nil
  ) {
    self.disposition = disposition
    self.used = used
    self.observation = observation
    self.duration = duration
  }
}
