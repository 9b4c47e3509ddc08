/// Batches as an operator sees and decides about them; answers are made where the ledger is known.
public protocol BatchAdministration: Sendable {
  /// All open batches.
  func list() async -> AdminAnswer

  /// Takes an operator's decision about a batch.
  /// - Parameter body: JSON, as it came.
  func resolve(label: String, _ body: [UInt8]) async -> AdminAnswer
}

/// A JSON answer of an endpoint.
public struct AdminAnswer: Sendable, Equatable {
  public var status: Int
  public var body: [UInt8]

  public init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }
}
