import BatchCore
import HeapModule
import Ledger

/// The calls of one route that wait for its gate: interactive ones and deferred ones have their shares of it, and in each
/// class the tenants theirs.
struct CallLine {
  private struct Delayed: Comparable {
    var call: PendingCall

    static func < (left: Delayed, right: Delayed) -> Bool { left.call.notBefore < right.call.notBefore }
    static func == (left: Delayed, right: Delayed) -> Bool { left.call.notBefore == right.call.notBefore }
  }

  private typealias Waiting = DeficitRoundRobin<String, PendingCall>

  /// Small, so that tenants alternate after a few calls; and what a tenant may owe for answers that nobody foresaw.
  private static var waiting: Waiting { Waiting(quantum: 500, bound: 200_000) }

  private var interactive = Self.waiting
  private var deferred = Self.waiting
  private var share = ReservedShare()
  private var delayed = Heap<Delayed>()
  /// By tenant: calls in the broker's custody, of which there may be too many, and those that were taken from the ledger.
  private var held: [String: Int] = [:]
  private var heldCount = 0
  private var taken: [CallClass: [String: Int]] = [:]
  /// Calls whose own time comes after they have waited too long.
  private var hopeless: [PendingCall] = []
  /// Not later than when the first call has waited too long.
  private var lookAt: Timestamp?
  /// When the gate may open, as it said the last time.
  var opensAt: Timestamp?

  var count: Int { interactive.count + deferred.count + delayed.count + hopeless.count }

  /// Calls that wait for the gate, and not for their own time.
  var waiting: Int { interactive.count + deferred.count }

  // MARK: In

  mutating func add(_ call: PendingCall, weights: TenantWeights, hold: Duration, at now: Timestamp) {
    switch call.custody {
    case .broker:
      held[call.tenant, default: 0] += 1
      heldCount += 1
    case .ledger: taken[call.callClass, default: [:]][call.tenant, default: 0] += 1
    }
    if call.notBefore > now, call.notBefore - call.arrivedAt > Self.patience(call, hold) {
      hopeless.append(call)
    } else if call.notBefore > now {
      delayed.insert(Delayed(call: call))
    } else {
      append(call, isBack: call.isBack, weights, hold)
    }
  }

  /// Those whose time has come wait for the gate.
  mutating func wake(weights: TenantWeights, hold: Duration, at now: Timestamp) {
    while let due = delayed.min, due.call.notBefore <= now {
      delayed.removeMin()
      append(due.call, isBack: true, weights, hold)
    }
  }

  /// - Parameter isBack: Whether it was here before, and so was there before what is new.
  private mutating func append(_ call: PendingCall, isBack: Bool, _ weights: TenantWeights, _ hold: Duration) {
    let due = call.arrivedAt + Self.patience(call, hold)
    lookAt = min(lookAt ?? due, due)
    let ahead = isBack || call.custody == .ledger
    switch call.callClass {
    case .interactive:
      interactive.append(call, to: call.tenant, weight: weights[call.tenant], cost: call.cost, ahead: ahead)
    case .deferred:
      deferred.append(call, to: call.tenant, weight: weights[call.tenant], cost: call.cost, ahead: ahead)
    }
  }

  // MARK: Out

  /// The call whose turn it is.
  mutating func first() -> PendingCall? {
    let (interactive, deferred) = (interactive.first(), deferred.first())
    switch share.next(interactive: interactive?.cost, deferred: deferred?.cost) {
    case .interactive: return interactive?.element
    case .deferred: return deferred?.element
    case nil: return nil
    }
  }

  /// Takes the call that `first` named.
  mutating func remove(_ first: PendingCall) {
    share.charge(first.callClass, first.cost)
    switch first.callClass {
    case .interactive: _ = interactive.popFirst()
    case .deferred: _ = deferred.popFirst()
    }
    release(first)
  }

  /// What waits for the gate; what waits for its own time stays.
  mutating func removeWaiting() -> [PendingCall] {
    let calls = interactive.remove { _ in true } + deferred.remove { _ in true }
    for call in calls { release(call) }
    lookAt = nil
    return calls
  }

  private mutating func release(_ call: PendingCall) {
    switch call.custody {
    case .broker:
      heldCount -= 1
      held[call.tenant] = (held[call.tenant] ?? 1) == 1 ? nil : (held[call.tenant] ?? 1) - 1
    case .ledger:
      let left = (taken[call.callClass]?[call.tenant] ?? 1) - 1
      taken[call.callClass]?[call.tenant] = left == 0 ? nil : left
    }
  }

  // MARK: Too long, too many

  /// When to look again, besides what the gate says.
  var wakeAt: Timestamp? { [lookAt, delayed.min?.call.notBefore].compactMap { $0 }.min() }

  /// How long a call may wait here. What the ledger has custody of keeps no delivery unacked; it goes back so that others may
  /// send it, and not so soon that a gate which is shared has no time to open for it.
  private static func patience(_ call: PendingCall, _ hold: Duration) -> Duration {
    call.custody == .ledger ? max(hold, .seconds(30)) : hold
  }

  /// Takes out what has waited too long, or would, and what is too many.
  mutating func shed(hold: Duration, limit: Int, weights: TenantWeights, at now: Timestamp) -> [PendingCall] {
    var out = shedLate(hold: hold, at: now) + hopeless
    for call in hopeless { release(call) }
    hopeless = []
    while heldCount > limit, let call = removeExcess(weights) { out.append(call) }
    return out
  }

  private mutating func shedLate(hold: Duration, at now: Timestamp) -> [PendingCall] {
    guard let lookAt, lookAt <= now else { return [] }
    var next: Timestamp?
    func isLate(_ call: PendingCall) -> Bool {
      let due = call.arrivedAt + Self.patience(call, hold)
      if due > now { next = min(next ?? due, due) }
      return due <= now
    }
    let late = interactive.remove(where: isLate) + deferred.remove(where: isLate)
    self.lookAt = next
    for call in late { release(call) }
    return late
  }

  /// The call that came last of the tenant that holds the most for its weight.
  private mutating func removeExcess(_ weights: TenantWeights) -> PendingCall? {
    let most = held.max { left, right in
      let (leftShare, rightShare) = (left.value * weights[right.key], right.value * weights[left.key])
      return leftShare == rightShare ? left.key < right.key : leftShare < rightShare
    }
    guard let tenant = most?.key else { return nil }
    if let call = interactive.popLast(of: tenant, where: { $0.custody == .broker }) {
      release(call)
      return call
    }
    // It has only delayed ones: the one that is due last.
    var kept: [Delayed] = []
    defer { for call in kept { delayed.insert(call) } }
    while let last = delayed.popMax() {
      if last.call.tenant == tenant, last.call.custody == .broker {
        release(last.call)
        return last.call
      }
      kept.append(last)
    }
    return nil
  }

  // MARK: Shares

  /// Calls that were taken from the ledger and wait here, by tenant.
  func taken(_ callClass: CallClass) -> [String: Int] { taken[callClass] ?? [:] }

  /// Corrects the share of a call's tenant by what the call really took.
  mutating func settle(_ call: PendingCall, additional cost: Int64) {
    switch call.callClass {
    case .interactive: interactive.settle(call.tenant, additional: cost)
    case .deferred: deferred.settle(call.tenant, additional: cost)
    }
  }
}
