import BatchCore
import Ledger
import Logging

/// Which windows this replica runs. Replicas that share a ledger run each window once, so that all of them fill it
/// together; what arrives elsewhere is offered to whoever runs its window.
struct WindowShare {
  private let context: WorkerContext
  /// Stays this replica's until it ends.
  private var own: Set<WindowKey> = []

  init(context: WorkerContext) {
    self.context = context
  }

  /// Whether others may offer rows.
  var takesOffers: Bool { context.ledger.isShared && !own.isEmpty }

  /// The rows that go into windows of this replica.
  ///
  /// - Parameter offering: Whether the others are told about the rest. A sweep need not: theirs finds the same rows.
  mutating func keep(_ rows: [AcceptedRow], offering: Bool, key: (AcceptedRow) -> WindowKey) async -> [AcceptedRow] {
    guard context.ledger.isShared, !rows.isEmpty else { return rows }
    let groups = Dictionary(grouping: rows, by: key)
    let unknown = groups.keys.filter { !own.contains($0) }
    if unknown.isEmpty { return rows }
    let won = await context.retry("claim windows") { () async throws(LedgerError) in
      try await context.ledger.runWindows(unknown)
    }
    own.formUnion(won ?? [])
    let foreign = groups.filter { !own.contains($0.key) }
    if foreign.isEmpty { return rows }
    if offering {
      let offers = foreign.map { (key: $0.key, rows: $0.value.map(\.id)) }
      // Not repeated when it fails: a sweep of whoever runs the window finds them.
      try? await context.ledger.offer(offers)
    }
    let gone = Set(foreign.values.joined().map(\.id))
    return rows.filter { !gone.contains($0.id) }
  }

  func offered() async -> [AcceptedRow] {
    guard takesOffers else { return [] }
    do throws(LedgerError) {
      return try await context.ledger.offeredRows()
    } catch {
      // The next round asks again, and an outage shows elsewhere; but a statement of ours that fails must not go unseen.
      context.logger.log(
        level: error.reason == .invalid ? .error : .debug, "Offered requests cannot be taken",
        metadata: ["error": "\(error)"])
      return []
    }
  }
}
