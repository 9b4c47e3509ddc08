/// What one of the replicas that share an account holds of it, and wants.
struct PaceShare: Hashable, Sendable, Codable {
  var inFlight = 0
  /// How many calls it may have in flight.
  var allotted = 0
  /// Calls that it was not granted.
  var wanted: Int64 = 0
  /// Calls that wait for a place.
  var waiting = 0
  /// What it was granted and may not have used yet.
  var unsent = PaceAmount.zero
  var seenAt: Timestamp
}
