/// Batches as an operator sees and decides about them; answers are made where the ledger is known.
public protocol BatchAdministration: Sendable {
  /// All open batches.
  func list() async -> AdminAnswer

  /// Takes an operator's decision about a batch.
  /// - Parameter body: JSON, as it came.
  func resolve(label: String, _ body: [UInt8]) async -> AdminAnswer
}
