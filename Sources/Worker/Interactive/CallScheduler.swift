import BatchCore
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
/// Routes take turns, so that a route whose gate is closed delays no other; before each gate the tenants take turns.
struct CallScheduler {
  struct Limits: Sendable {
    /// Calls in flight, over all routes.
    var concurrency: Int
    /// How long a call may wait here.
    var hold: Duration
    /// How many calls of one route may wait here while the broker has custody of them.
    var waitingPerRoute: Int
    var weights = TenantWeights()
  }

  struct Actions {
    var start: [PendingCall] = []
    var park: [PendingCall] = []
    /// Their gate lets nothing through until the time given by `notBefore`: they take another route, or are parked.
    var refused: [PendingCall] = []
    /// When to ask again, unless something happens before.
    var wake: Timestamp?
  }

  private let limits: Limits
  private var lines: OrderedDictionary<Route, CallLine> = [:]
  /// Places for calls, shared by all routes.
  private var places = ReservedShare()
  private(set) var inFlight = 0
  private(set) var waiting = 0

  init(limits: Limits) {
    self.limits = limits
  }

  mutating func submit(_ calls: [PendingCall], at now: Timestamp) {
    waiting += calls.count
    for call in calls {
      lines[call.route, default: CallLine()].add(call, weights: limits.weights, hold: limits.hold, at: now)
    }
  }

  /// A call that was started is over.
  ///
  /// - Parameter cost: What it took of its tenant's share, where that is known.
  mutating func ended(_ call: PendingCall, cost: Int64? = nil) {
    inFlight -= 1
    if let cost { lines[call.route]?.settle(call, additional: cost - call.cost) }
  }

  /// What of the parked rows may be taken up.
  func parkedRoom(at now: Timestamp) -> ParkedRoom {
    var room = ParkedRoom(lookahead: limits.concurrency)
    for (route, line) in lines {
      for callClass in CallClass.allCases {
        room.set(
          ParkedLine(route: route, callClass: callClass), taken: line.taken(callClass),
          isClosed: line.opensAt.map { $0 - now > Self.longGate } ?? false)
      }
    }
    return room
  }

  /// A gate that stays closed for longer than this needs nothing brought before it.
  private static let longGate = Duration.seconds(2)

  /// Everything that can be decided now.
  ///
  /// - Parameter gate: Asked for each call that could start, with how many calls of its route wait.
  mutating func next(at now: Timestamp, gate: (PendingCall, Int) -> GateDecision) -> Actions {
    var actions = Actions()
    var turns = CallTurns()
    for index in lines.elements.indices {
      change(index) { line, scheduler in
        line.wake(weights: scheduler.limits.weights, hold: scheduler.limits.hold, at: now)
        line.opensAt = nil
        if let call = line.first() { turns.append(index, call.callClass) }
      }
    }
    while inFlight < limits.concurrency, let index = turns.next(&places) {
      change(index) { line, scheduler in
        guard scheduler.start(&line, at: now, gate, &actions), let call = line.first() else { return }
        turns.append(index, call.callClass)
      }
    }
    for index in lines.elements.indices {
      change(index) { line, scheduler in
        let limits = scheduler.limits
        let shed = line.shed(hold: limits.hold, limit: limits.waitingPerRoute, weights: limits.weights, at: now)
        scheduler.waiting -= shed.count
        actions.park += shed
        if let due = line.wakeAt { actions.wake = min(actions.wake ?? due, due) }
      }
    }
    lines.removeAll { $0.value.count == 0 }
    // The route that was first is last the next time.
    if lines.count > 1, let first = lines.elements.first {
      lines.remove(at: 0)
      lines[first.key] = first.value
    }
    return actions
  }

  /// Works on a line outside of the table, so that nothing of it is copied.
  private mutating func change(_ index: Int, _ body: (inout CallLine, inout CallScheduler) -> Void) {
    var line = CallLine()
    swap(&line, &lines.values[index])
    body(&line, &self)
    swap(&line, &lines.values[index])
  }

  /// Starts the call whose turn it is, if the gate lets it through.
  private mutating func start(
    _ line: inout CallLine, at now: Timestamp, _ gate: (PendingCall, Int) -> GateDecision, _ actions: inout Actions
  ) -> Bool {
    guard var call = line.first() else { return false }
    switch gate(call, line.waiting) {
    case .continue(let reservation):
      line.remove(call)
      places.charge(call.callClass, 1)
      waiting -= 1
      inFlight += 1
      call.reservation = reservation
      actions.start.append(call)
      return true
    case .wait(let until):
      line.opensAt = until
      actions.wake = min(actions.wake ?? until, until)
    case .refuse(let refusal):
      let calls = line.removeWaiting()
      waiting -= calls.count
      actions.refused += calls.map { call in
        var call = call
        call.notBefore = max(now, refusal.until)
        return call
      }
    }
    return false
  }
}
