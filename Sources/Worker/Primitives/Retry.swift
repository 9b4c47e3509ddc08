import BatchCore
import Ledger
import Logging

/// Repeats an operation on the ledger until it commits: what waits behind it keeps its custody, and nothing is dropped.
struct LedgerRetry: Sendable {
  var time: any Timekeeper
  var store: StoreWatch
  var logger: Logger

  /// Runs the operation until it succeeds. Returns nil only if the task is cancelled, or the ledger is closed or another's.
  func callAsFunction<Value: Sendable>(
    _ what: String, _ operation: () async throws(LedgerError) -> Value
  ) async -> Value? {
    guard case .success(let value) = await run(what, handsBackRefusals: false, operation) else { return nil }
    return value
  }

  /// The same, but hands back the error of an operation that the ledger refuses for its data: the same again would be
  /// refused again.
  func unlessRefused<Value: Sendable>(
    _ what: String, _ operation: () async throws(LedgerError) -> Value
  ) async -> Result<Value, LedgerError>? {
    await run(what, handsBackRefusals: true, operation)
  }

  private func run<Value: Sendable>(
    _ what: String, handsBackRefusals: Bool, _ operation: () async throws(LedgerError) -> Value
  ) async -> Result<Value, LedgerError>? {
    var delay = Duration.milliseconds(100)
    var outage: StoreWatch.Outage?
    defer { if let outage { store.ended(outage) } }
    while true {
      do throws(LedgerError) {
        return .success(try await operation())
      } catch {
        if error.reason == .closed || error.reason == .fenced { return nil }
        if error.reason == .invalid, handsBackRefusals { return .failure(error) }
        outage = store.failed(what, error, after: outage)
        logger.error(
          "The ledger did not commit; trying again", metadata: ["operation": "\(what)", "error": "\(error)"])
      }
      guard (try? await time.sleep(for: delay)) != nil else { return nil }
      delay = min(delay * 2, .seconds(5))
    }
  }
}
