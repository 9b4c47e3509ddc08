import BatchCore
import DequeModule
import HeapModule
import Ledger
import OrderedCollections

/// Decides which interactive calls start now, which wait, and which must be parked. Pure; time is monotonic and passed in.
///
/// ```
///   submitted --> waiting --(gates open)--> started --> ended
///                    |  ^                      |
///          (held too  |  +---(again, later)----+
///             long)   v
///                  parked
/// ```
/// Routes take turns, so that a route whose gate is closed delays no other.
struct CallScheduler {
  struct Limits: Sendable {
    /// Calls in flight, over all routes.
    var concurrency: Int
    /// How long a call may wait here.
    var hold: Duration
    /// How many calls of one route may wait here.
    var waitingPerRoute: Int
  }

  struct Actions {
    var start: [PendingCall] = []
    var park: [PendingCall] = []
    /// When to ask again, unless something happens before.
    var wake: Timestamp?
  }

  private struct Line {
    var calls = Deque<PendingCall>()
    var delayed = Heap<Delayed>()

    var count: Int { calls.count + delayed.count }
  }

  private struct Delayed: Comparable {
    var call: PendingCall

    static func < (left: Delayed, right: Delayed) -> Bool { left.call.notBefore < right.call.notBefore }
    static func == (left: Delayed, right: Delayed) -> Bool { left.call.notBefore == right.call.notBefore }
  }

  private let limits: Limits
  private let account: @Sendable (Route) -> String
  private var pace: [String: Pace] = [:]
  private let makePace: @Sendable (String) -> Pace
  private var lines: OrderedDictionary<Route, Line> = [:]
  private(set) var inFlight = 0
  private(set) var waiting = 0

  init(
    limits: Limits, account: @escaping @Sendable (Route) -> String, makePace: @escaping @Sendable (String) -> Pace
  ) {
    self.limits = limits
    self.account = account
    self.makePace = makePace
  }

  mutating func submit(_ calls: [PendingCall], at now: Timestamp) {
    waiting += calls.count
    for call in calls {
      if call.notBefore > now {
        lines[call.route, default: Line()].delayed.insert(Delayed(call: call))
      } else {
        lines[call.route, default: Line()].calls.append(call)
      }
    }
  }

  /// A call that was started is over; `nil` if it was not made.
  mutating func ended(_ call: PendingCall, _ disposition: Disposition?, at now: Timestamp, random: UInt64) {
    inFlight -= 1
    pace[call.route.provider]?.settle(
      account: account(call.route), model: call.route.model, disposition, now: now, random: random)
  }

  /// Whether parked work of the route may be taken up: nothing waits before it.
  func hasRoom(_ route: Route) -> Bool {
    inFlight < limits.concurrency && (lines[route]?.count ?? 0) == 0
  }

  /// Everything that can be decided now.
  mutating func next(at now: Timestamp) -> Actions {
    var actions = Actions()
    for index in lines.elements.indices {
      let route = lines.elements[index].key
      var line = lines.elements[index].value
      while let due = line.delayed.min, due.call.notBefore <= now {
        line.delayed.removeMin()
        line.calls.append(due.call)
      }
      drain(&line, route, at: now, &actions)
      shed(&line, at: now, &actions)
      if let due = line.delayed.min?.call.notBefore { actions.wake = min(actions.wake ?? due, due) }
      lines.values[index] = line
    }
    lines.removeAll { $0.value.count == 0 }
    // The route that was first is last the next time.
    if lines.count > 1, let first = lines.elements.first {
      lines.remove(at: 0)
      lines[first.key] = first.value
    }
    return actions
  }

  private mutating func drain(_ line: inout Line, _ route: Route, at now: Timestamp, _ actions: inout Actions) {
    let account = account(route)
    while let call = line.calls.first {
      // A place that is given back is the next occasion.
      guard inFlight < limits.concurrency else { return }
      switch pace[route.provider, default: makePace(route.provider)]
        .reserve(account: account, model: route.model, now: now)
      {
      case .continue:
        line.calls.removeFirst()
        waiting -= 1
        inFlight += 1
        actions.start.append(call)
      case .wait(let until):
        actions.wake = min(actions.wake ?? until, until)
        return
      case .refuse(.accountClosed(_, let probeAt)):
        actions.wake = min(actions.wake ?? probeAt, probeAt)
        // Nobody knows when the account opens: the ledger waits better than the broker.
        let delay = max(.zero, probeAt - now)
        waiting -= line.calls.count
        actions.park += line.calls.map { call in
          var call = call
          call.notBefore = now + delay
          return call
        }
        line.calls = []
        return
      }
    }
  }

  /// Parks what has waited too long or is too many.
  private mutating func shed(_ line: inout Line, at now: Timestamp, _ actions: inout Actions) {
    while let oldest = line.calls.first, now - oldest.arrivedAt >= limits.hold || line.count > limits.waitingPerRoute {
      line.calls.removeFirst()
      waiting -= 1
      actions.park.append(oldest)
    }
    if let oldest = line.calls.first {
      let due = oldest.arrivedAt + limits.hold
      actions.wake = min(actions.wake ?? due, due)
    }
    var kept = Heap<Delayed>()
    while let delayed = line.delayed.min {
      line.delayed.removeMin()
      if delayed.call.notBefore - delayed.call.arrivedAt > limits.hold || line.count >= limits.waitingPerRoute {
        waiting -= 1
        actions.park.append(delayed.call)
      } else {
        kept.insert(delayed)
      }
    }
    line.delayed = kept
  }
}
