import BatchCore
import Ledger
import Logging
import Threading

/// Holds intake while the ledger's backlog is at its bound; the broker keeps the rest meanwhile.
final class IntakeGate: Sendable {
  private let isOpen = Locked(true)
  private let opened: [Signal]

  /// - Parameter lanes: How many intakes wait on it.
  init(lanes: Int) {
    opened = (0..<lanes).map { _ in Signal() }
  }

  /// A view for one intake.
  func lane(_ index: Int) -> LaneGate { LaneGate(gate: self, signal: opened[index]) }

  func set(open: Bool) {
    isOpen.withLock { $0 = open }
    if open { for signal in opened { signal.raise() } }
  }

  func close() {
    for signal in opened { signal.close() }
  }

  fileprivate var open: Bool { isOpen.withLock { $0 } }

  struct LaneGate: Sendable {
    fileprivate let gate: IntakeGate
    fileprivate let signal: Signal

    func wait() async {
      while !gate.open, !Task.isCancelled {
        guard await signal.wait() else { return }
      }
    }
  }
}
