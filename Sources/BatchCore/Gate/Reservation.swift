/// A place that a gate gave to one call. It has to be given back, with what became of the call.
public struct Reservation: Hashable, Sendable {
  public var amount: PaceAmount
  var stamp: PaceStamp
  var sentAt: Timestamp
  /// Whether it is the one call that tries an account that is closed.
  public var isProbe: Bool
}
