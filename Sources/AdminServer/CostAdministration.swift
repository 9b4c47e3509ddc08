/// What requests cost, as whoever pays for them sees it; answers are made where the ledger is known.
public protocol CostAdministration: Sendable {
  /// - Parameter query: The parameters of the address, by name; of one that is given twice the last.
  func report(_ query: [String: String]) async -> AdminAnswer
}
