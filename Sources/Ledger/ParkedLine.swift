public import BatchCore

/// Parked rows that wait for the same places.
public struct ParkedLine: Hashable, Sendable {
  public var route: Route
  public var callClass: CallClass

  public init(route: Route, callClass: CallClass) {
    self.route = route
    self.callClass = callClass
  }
}
