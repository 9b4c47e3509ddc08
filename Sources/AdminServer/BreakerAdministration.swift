/// Circuit breakers as an operator sees and closes them; answers are made where the gates are known.
public protocol BreakerAdministration: Sendable {
  /// All that are not closed.
  func list() async -> AdminAnswer

  /// Takes an operator's word that what had opened some of them is seen to.
  /// - Parameter body: JSON, as it came.
  func close(_ body: [UInt8]) async -> AdminAnswer
}
