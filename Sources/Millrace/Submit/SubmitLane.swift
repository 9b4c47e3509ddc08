import ArgumentParser
import BatchCore

/// Which request queue a submitted line goes to.
enum SubmitLane: String, ExpressibleByArgument, CaseIterable {
  case interactive
  case deferred
  /// Lines take turns.
  case both

  func lane(ofLine number: Int) -> Lane {
    switch self {
    case .interactive: .interactive
    case .deferred: .deferred
    case .both: number.isMultiple(of: 2) ? .deferred : .interactive
    }
  }
}
