import Ledger
import Threading

/// Whether the ledger can be reached, by what operations on it see. It keeps the ledger's line on the health board.
final class StoreWatch: Sendable {
  /// An operation that fails at present.
  struct Outage: Sendable {
    fileprivate var isUnreachable: Bool
  }

  private struct State {
    var failing = 0
    var unreachable = 0
    var onReturn: (@Sendable () -> Void)?
  }

  private let health: HealthBoard
  private let state = Locked(State())

  init(health: HealthBoard) {
    self.health = health
  }

  /// While it is true no call may start: what it would cost could not be recorded.
  var isAway: Bool { state.withLock { $0.unreachable > 0 } }

  /// Called whenever the ledger is back.
  func onReturn(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.onReturn = action } }

  /// An operation failed, perhaps not for the first time.
  func failed(_ what: String, _ error: LedgerError, after last: Outage?) -> Outage {
    // A statement that fails on its own data says nothing about the store.
    let outage = Outage(isUnreachable: error.reason != .invalid)
    state.withLock { state in
      if let last {
        if last.isUnreachable { state.unreachable -= 1 }
      } else {
        state.failing += 1
      }
      if outage.isUnreachable { state.unreachable += 1 }
    }
    health.report(.ledger, "\(what): \(error.message)")
    return outage
  }

  /// The operation succeeded, or nobody waits for it any more.
  func ended(_ outage: Outage) {
    let (isWell, action) = state.withLock { state -> (Bool, (@Sendable () -> Void)?) in
      state.failing -= 1
      if outage.isUnreachable { state.unreachable -= 1 }
      return (state.failing == 0, outage.isUnreachable && state.unreachable == 0 ? state.onReturn : nil)
    }
    if isWell { health.clear(.ledger) }
    action?()
  }
}
