import BatchCore
import Ledger

@testable import Worker

/// The scheduler before the gates of a process that has its accounts for itself.
struct GatedScheduler {
  private var scheduler: CallScheduler
  private var paces: [Route: Pace] = [:]
  private let limits: PaceLimits
  private var reservations: [RequestID: Reservation] = [:]

  init(_ limits: CallScheduler.Limits, _ pace: PaceLimits) {
    scheduler = CallScheduler(limits: limits)
    self.limits = pace
  }

  var inFlight: Int { scheduler.inFlight }
  var waiting: Int { scheduler.waiting }

  mutating func submit(_ calls: [PendingCall], at now: Timestamp) { scheduler.submit(calls, at: now) }
  func parkedRoom(at now: Timestamp) -> ParkedRoom { scheduler.parkedRoom(at: now) }

  mutating func next(at now: Timestamp) -> CallScheduler.Actions {
    var paces = paces
    let amount = PaceAmount(inputTokens: 1, outputTokens: 1)
    let actions = scheduler.next(at: now) { call, _ in
      paces[call.route, default: Pace(now: now)].reserve(amount, limits, now: now)
    }
    self.paces = paces
    for call in actions.start { reservations[call.id] = call.reservation }
    return actions
  }

  mutating func ended(
    _ call: PendingCall, _ disposition: Disposition?, cost: Int64? = nil, at now: Timestamp, random: UInt64
  ) {
    scheduler.ended(call, cost: cost)
    guard let reservation = reservations.removeValue(forKey: call.id) else { return }
    paces[call.route]?.settle(reservation, CallEnd(disposition), limits, now: now, random: random)
  }
}
