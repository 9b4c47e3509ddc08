import BatchCore
import DequeModule

/// Which line gets the next free place, while there are fewer places than calls: interactive work first, up to its share,
/// and in each class the lines take turns.
struct CallTurns {
  private var interactive: Deque<Int> = []
  private var deferred: Deque<Int> = []

  /// The line has a call of this class that may go.
  mutating func append(_ line: Int, _ callClass: CallClass) {
    switch callClass {
    case .interactive: interactive.append(line)
    case .deferred: deferred.append(line)
    }
  }

  /// Takes the line whose turn it is.
  mutating func next(_ places: inout ReservedShare) -> Int? {
    switch places.next(interactive: interactive.isEmpty ? nil : 1, deferred: deferred.isEmpty ? nil : 1) {
    case .interactive: interactive.popFirst()
    case .deferred: deferred.popFirst()
    case nil: nil
    }
  }
}
