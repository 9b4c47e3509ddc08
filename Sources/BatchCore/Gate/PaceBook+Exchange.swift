extension PaceBook {
  /// How long a replica counts that says nothing: its calls may still run.
  private static let silence = Duration.seconds(10)
  /// How long what it wanted counts.
  private static let want = Duration.seconds(1)

  /// Takes in a replica's report and grants it a share of what is there: of limits by the minute in proportion to what all
  /// want, of calls in flight an equal part, and more where others need less.
  ///
  /// - Parameter live: The replicas that there are.
  public mutating func exchange(
    _ report: PaceReport, from replica: Int64, live: Set<Int64>, _ limits: PaceLimits, now: Timestamp
  ) -> PaceGrant {
    advance(limits, peers: 1, now: now)
    let cause = breaker.cause
    giveBack(report.unused)
    learn(
      report.news, from: replica, reportedAt: report.reportedAt, limits, peers: 1, now: now, random: report.random)
    shares = shares.filter {
      $0.key != replica && live.contains($0.key) && now - $0.value.seenAt < Self.silence && $0.value.seenAt <= now
    }
    if report.waiting > 0 { wantsPlaces(limits, peers: 1, now: now) }
    let pause = pause(now)
    var verdict = PaceGrant.Verdict.closed
    if report.waiting > 0 || breaker.state != .closed {
      switch report.waiting > 0 ? askBreaker(by: replica, limits, now: now) : peek(now) {
      case .closed: verdict = .closed
      case .probe: verdict = .probe(breaker.cause ?? .failures)
      case .refuse(let cause, let until):
        if case .probing = breaker.state {
          verdict = .probing(cause)
        } else {
          verdict = .refuse(cause, for: max(.zero, until - now))
        }
      }
    }
    var grant = PaceAmount.zero
    let allotted = allot(report, limits)
    if pause == nil, verdict == .closed {
      // What could not be sent soon is better left to others.
      let places = Int64(max(1, allotted - report.inFlight + allotted / 2))
      grant = share(of: report.wanted, atMost: places - report.balance.calls, now: now)
    }
    if case .probe = verdict, report.wanted.calls > 0 { grant = average(report.wanted) }
    take(grant)
    shares[replica] = PaceShare(
      inFlight: report.inFlight, allotted: allotted, wanted: max(0, report.wanted.calls - grant.calls),
      waiting: report.waiting, unsent: report.balance + grant, seenAt: now)
    return PaceGrant(
      amount: grant, allotted: allotted, stamp: stamp, pausedFor: pause, verdict: verdict,
      moreAfter: report.wanted.calls > grant.calls ? wait(for: average(report.wanted)) : .zero,
      isUnlimited: multiples(of: PaceAmount(inputTokens: 1, outputTokens: 1)) == nil,
      perMinute: inForce(limits), turnedBreaker: breaker.cause != cause)
  }

  /// What the breaker says to one that does not want to call.
  private func peek(_ now: Timestamp) -> CircuitBreaker.Verdict {
    switch breaker.state {
    case .closed: .closed
    case .open(let cause, let until), .probing(let cause, _, let until): .refuse(cause, until: max(until, now))
    }
  }

  private func average(_ wanted: PaceAmount) -> PaceAmount {
    let calls = max(1, wanted.calls)
    return PaceAmount(
      inputTokens: (wanted.inputTokens + calls - 1) / calls, outputTokens: (wanted.outputTokens + calls - 1) / calls)
  }

  private func share(of wanted: PaceAmount, atMost most: Int64, now: Timestamp) -> PaceAmount {
    guard wanted.calls > 0, most > 0 else { return .zero }
    let one = average(wanted)
    var calls = min(wanted.calls, most)
    if let there = multiples(of: one) {
      let others = shares.values.filter { now - $0.seenAt < Self.want }.reduce(0) { $0 + $1.wanted }
      let part = Double(wanted.calls) / Double(wanted.calls + max(0, others))
      calls = min(calls, Int64(min(there * part, 1e9)))
      // The last one is whose who asks first, or nobody would ever get it.
      if calls == 0, holds(one) { calls = 1 }
    }
    return PaceAmount(
      calls: calls, inputTokens: one.inputTokens &* calls, outputTokens: one.outputTokens &* calls)
  }

  private func allot(_ report: PaceReport, _ limits: PaceLimits) -> Int {
    let most = mostInFlight(limits, peers: 1)
    let need = report.inFlight + report.waiting
    let busy = shares.values.filter { $0.inFlight > 0 || $0.waiting > 0 }
    let others = busy.reduce(0) { $0 + $1.inFlight + $1.waiting }
    let equal = max(1, most / (busy.count + 1))
    let target = min(need, max(equal, most - others))
    // What another may still use is not given twice: it shrinks when that one reports.
    let held = shares.values.reduce(0) { $0 + max($1.allotted, $1.inFlight) }
    return max(0, min(target, most - held))
  }
}
