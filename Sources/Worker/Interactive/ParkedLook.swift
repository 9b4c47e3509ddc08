import BatchCore
import Ledger

/// When to look for parked requests: what the dispatcher remembers of them. Pure; time is monotonic and passed in.
struct ParkedLook {
  enum Step {
    /// Through all lines.
    case all
    /// At lines that are known to have more.
    case refill(Set<ParkedLine>)
  }

  /// When to look through all lines; nil while nothing is parked.
  private(set) var due: Timestamp?
  private(set) var isUnderWay = false
  private var open: Set<ParkedLine> = []
  private var lookedAt: Timestamp?
  /// By how much calls cost more, or less, than was estimated, for the tenants' shares in the ledger.
  private var corrections: [ParkedLine: [String: Int64]] = [:]

  /// However much is parked, all lines are looked through no more often.
  private static let pause = Duration.milliseconds(50)

  init(at now: Timestamp) {
    due = now
  }

  /// Something was parked, or may be sent sooner than was thought.
  mutating func ready(at now: Timestamp) {
    let next = lookedAt.map { max(now, $0 + Self.pause) } ?? now
    due = min(due ?? next, next)
  }

  /// A call that was taken from the ledger is over.
  mutating func ended(_ call: PendingCall, cost: Int64) {
    let line = ParkedLine(route: call.route, callClass: call.callClass)
    guard call.custody == .ledger, open.contains(line) else { return }
    corrections[line, default: [:]][call.tenant, default: 0] += cost - call.cost
  }

  /// What to do now; the corrections go with it.
  mutating func next(
    at now: Timestamp, room: () -> ParkedRoom
  ) -> (step: Step, room: ParkedRoom, corrections: [ParkedLine: [String: Int64]])? {
    if isUnderWay { return nil }
    var step: Step?
    var found: ParkedRoom?
    if let due, due <= now {
      step = .all
    } else if !open.isEmpty {
      let room = room()
      let low = open.filter(room.isLow)
      if !low.isEmpty { step = .refill(low) }
      found = room
    }
    guard let step else { return nil }
    isUnderWay = true
    if case .all = step {
      due = nil
      lookedAt = now
    }
    defer { corrections = [:] }
    return (step, found ?? room(), corrections)
  }

  /// What came of it.
  mutating func took(_ taken: ParkedSource.Taken, _ step: Step, at now: Timestamp) {
    isUnderWay = false
    switch step {
    case .all:
      open = taken.open
      if let pause = taken.askAgain { due = min(due ?? now + pause, now + pause) }
    case .refill(let lines):
      open.subtract(lines)
      open.formUnion(taken.open)
    }
  }
}
