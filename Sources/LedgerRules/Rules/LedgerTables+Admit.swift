package import BatchCore
package import Ledger
import Wire

/// Taking deliveries in. The common one is new and costs one insert; what earlier deliveries left is looked at only when
/// that insert meets a row.
///
/// ```
/// delivery --> row of its identity? --no--> new call, or refused
///                 | yes
///                 |-- another body under a publisher's key ------------> refused
///                 |-- the call has no outcome: same subscriber --------> in flight (or takes a dead claim over)
///                 |                            another ----------------> follows it
///                 |-- its outcome may be given again ------------------> answered
///                 |-- its answer was dropped after its time -----------> a new generation
///                 '-- it failed otherwise -----------------------------> a new generation; a redelivery: answered
/// ```
extension LedgerTables {
  package func admit(_ request: NewRequest, at now: Timestamp) throws -> Admission {
    if !mustLookFirst(request), let admission = try insertFirst(request, generation: 0, at: now) { return admission }
    return try admitKnown(request, at: now)
  }

  /// Whether a row may stand for this delivery, so that it must be looked for before one is made.
  package func mustLookFirst(_ request: NewRequest) -> Bool {
    request.attachedTo != nil || request.mergeKey != nil
      || (request.envelope.identity.kind == .fingerprint && request.redelivered)
  }

  /// Takes in a delivery for which a row must be looked for, or whose identity has a row already.
  package func admitKnown(_ request: NewRequest, at now: Timestamp) throws -> Admission {
    let key = CallKey(request.envelope.identity)
    try lock(key)
    if let id = request.attachedTo, let row = try self.row(id.rawValue) { return try repeated(row, request, at: now) }
    if let admission = try admitMergeable(request, key, at: now) { return admission }
    if request.envelope.identity.kind == .fingerprint {
      if request.redelivered {
        if let row = try absorbing(request, key), try !isForgotten(row) {
          try setGeneration(request.deliveryGeneration, of: row.id)
          return try repeated(row, request, at: now)
        }
        if let admission = try insertFirst(request, generation: 0, at: now) { return admission }
      }
      let generation = Ordinal.generation(try latestOrdinal(key) ?? 0) + 1
      return try insertGeneration(generation, request, at: now)
    }
    switch request.content {
    case .call(let call): return try admitAgain(request, call, key, at: now)
    case .poison(let failure): return try refuseAgain(request, failure, key, at: now)
    }
  }

  private func absorbing(_ request: NewRequest, _ key: CallKey) throws -> StoredRow? {
    guard let id = try unacked(key, otherThan: request.deliveryGeneration) else { return nil }
    return try self.row(id)
  }

  // MARK: New rows

  /// What the row that leads a generation is made of.
  package func leaderSeed(_ request: NewRequest, generation: Int64, at now: Timestamp) throws -> RowSeed {
    let ordinal = Ordinal.leader(generation)
    let base = request.envelope.ledgerID
    let ledgerID = generation == 0 ? base : base.mixed(with: ordinal)
    switch request.content {
    case .poison(let failure):
      return try refusedSeed(failure, ordinal: ordinal, ledgerID: ledgerID, at: now)
    case .call(let call):
      var seed = RowSeed(
        id: try makeID(), ordinal: ordinal, kind: .leader, state: .claimed, custody: call.custody, ledgerID: ledgerID)
      switch (call.custody, call.lane) {
      case (.ledger, .deferred): seed.state = .accepted
      case (.ledger, .interactive): seed.state = .parked
      case (.broker, _):
        seed.isClaim = true
        seed.attemptNumber = 1
      }
      return seed
    }
  }

  private func refusedSeed(
    _ failure: Failure, ordinal: Int64, ledgerID: LedgerID, at now: Timestamp
  ) throws -> RowSeed {
    var seed = RowSeed(
      id: try makeID(), ordinal: ordinal, kind: .refused, state: .finished, custody: .broker, ledgerID: ledgerID)
    seed.failure = failure
    seed.completedAt = now
    return seed
  }

  /// What goes with a row that was inserted: the body of a call, the reply of a refusal.
  package func inserted(_ request: NewRequest, _ seed: RowSeed, at now: Timestamp) throws -> Admission {
    let id = RequestID(seed.id)
    if let failure = seed.failure {
      try ready(seed.id, request.urgency)
      return Admission(id: id, ledgerID: seed.ledgerID, kind: .refused(failure), custody: .broker)
    }
    if case .call(let call) = request.content {
      try insertBody(call.custody == .ledger ? call.body : nil, properties: request.properties, of: seed.id)
      if seed.kind == .leader, !call.budgets.isEmpty { return try budgeted(request, call, seed, at: now) }
    }
    return Admission(id: id, ledgerID: seed.ledgerID, kind: .new(attempt: 1), custody: seed.custody)
  }

  /// A new call that counts against budgets.
  private func budgeted(
    _ request: NewRequest, _ call: NewCall, _ seed: RowSeed, at now: Timestamp
  ) throws -> Admission {
    let id = RequestID(seed.id)
    switch try reserve(call, of: seed.id) {
    case .fits: return Admission(id: id, ledgerID: seed.ledgerID, kind: .new(attempt: 1), custody: seed.custody)
    case .holds(let key):
      if seed.custody == .broker { try store(call.body, of: seed.id) }
      try hold(seed.id, for: key, call.budgets, due: call.deadline)
      return Admission(id: id, ledgerID: seed.ledgerID, kind: .inFlight, custody: .ledger)
    case .refused(let failure):
      try finish(seed.id, failure, countingAttempts: 0, answer: nil, at: now)
      try ready(seed.id, request.urgency)
      return Admission(id: id, ledgerID: seed.ledgerID, kind: .refused(failure), custody: seed.custody)
    }
  }

  /// Inserts the row that leads a generation. Nil when the generation is there already.
  func insertFirst(_ request: NewRequest, generation: Int64, at now: Timestamp) throws -> Admission? {
    let seed = try leaderSeed(request, generation: generation, at: now)
    return try insert(request, seed) ? try inserted(request, seed, at: now) : nil
  }

  private func insertGeneration(_ generation: Int64, _ request: NewRequest, at now: Timestamp) throws -> Admission {
    guard let admission = try insertFirst(request, generation: generation, at: now) else {
      throw DamagedTables("the generations of an identity")
    }
    return admission
  }

  // MARK: Identities that are known

  private func admitAgain(
    _ request: NewRequest, _ call: NewCall, _ key: CallKey, at now: Timestamp
  ) throws -> Admission {
    let generation = Ordinal.generation(try latestOrdinal(key) ?? 0)
    guard var leader = try self.row(key, ordinal: Ordinal.leader(generation)), leader.kind != .refused else {
      // Only refused so far: that is no call.
      return try insertGeneration(generation + 1, request, at: now)
    }
    if request.envelope.identity.kind == .key && leader.bodyHash != request.bodyHash {
      let failure = Failure(
        .idempotencyConflict,
        "x-idempotency-key was used before with another body; use a new key for a new request")
      return try refuse(request, failure, key, at: now)
    }
    if let nonce = request.envelope.replayNonce, nonce != leader.replayNonce {
      guard let made = try ordinal(key, nonce: nonce),
        let earlier = try self.row(key, ordinal: Ordinal.leader(Ordinal.generation(made)))
      else { return try insertGeneration(generation + 1, request, at: now) }
      leader = earlier
    }
    // Whoever asks, the broker too: there is no answer left to give.
    if try isForgotten(leader) { return try insertGeneration(generation + 1, request, at: now) }
    if leader.isSubscriber(of: request.envelope) {
      if leader.state == .finished && !leader.isReplayable && !request.redelivered {
        return try insertGeneration(generation + 1, request, at: now)
      }
      return try repeated(leader, request, at: now)
    }
    return try admitSubscriber(request, call, of: try self.call(of: leader), key, latest: generation, at: now)
  }

  /// A subscriber other than the leader.
  private func admitSubscriber(
    _ request: NewRequest, _ call: NewCall, of leader: StoredRow, _ key: CallKey, latest: Int64, at now: Timestamp
  ) throws -> Admission {
    let first = Ordinal.subscriber(of: leader.ordinal, request.envelope)
    var ordinal = first
    while let row = try self.row(key, ordinal: ordinal) {
      // One that was cancelled alone and is asked for anew has an outcome; it gets another row.
      let isOver = row.failure?.code == .cancelled && !request.redelivered
      if row.isSubscriber(of: request.envelope) && !isOver {
        if row.state == .finished && !row.isReplayable && !request.redelivered { break }
        return try repeated(row, request, at: now)
      }
      ordinal = Ordinal.next(ordinal)
    }
    if leader.state == .finished && !leader.isReplayable {
      return try insertGeneration(latest + 1, request, at: now)
    }
    let base = request.envelope.ledgerID
    let isFirst = ordinal == first && Ordinal.generation(leader.ordinal) == 0
    let ledgerID = isFirst ? base : base.mixed(with: ordinal)
    var seed = RowSeed(
      id: try makeID(), ordinal: ordinal, kind: .subscriber, state: .following, custody: call.custody,
      ledgerID: ledgerID, leaderID: leader.id)
    if leader.state == .finished {
      seed.state = .finished
      seed.failure = leader.failure
      seed.completedAt = now
      seed.replayed = true
    }
    guard try insert(request, seed) else {
      throw DamagedTables("the subscribers of a call")
    }
    let id = RequestID(seed.id)
    if leader.state == .finished {
      try ready(seed.id, request.urgency)
      return Admission(id: id, ledgerID: ledgerID, kind: .answered, custody: call.custody)
    }
    return try joined(leader, request, as: (id, ledgerID), at: now)
  }

  /// Poison under an identity that is known. The row at the first place may be the same poison.
  private func refuseAgain(
    _ request: NewRequest, _ failure: Failure, _ key: CallKey, at now: Timestamp
  ) throws -> Admission {
    let generation = Ordinal.generation(try latestOrdinal(key) ?? 0)
    for ordinal in Set([0, generation]).sorted().map(Ordinal.leader) {
      guard let row = try self.row(key, ordinal: ordinal), row.isSubscriber(of: request.envelope) else { continue }
      // What was taken in before the configuration changed keeps its outcome. At the delivery limit nothing is parsed,
      // so the hash says nothing.
      let isSame = row.bodyHash == request.bodyHash || (failure.code == .deliveryLimit && row.kind == .leader)
      let mayRepeat = row.kind == .refused || row.state != .finished || row.isReplayable || request.redelivered
      if try isSame && mayRepeat && !isForgotten(row) { return try repeated(row, request, at: now) }
    }
    return try refuse(request, failure, key, at: now)
  }

  /// Refuses beside what the key has already.
  private func refuse(
    _ request: NewRequest, _ failure: Failure, _ key: CallKey, at now: Timestamp
  ) throws -> Admission {
    var ordinal = Ordinal.refused(request.envelope, bodyHash: request.bodyHash)
    while let row = try self.row(key, ordinal: ordinal) {
      if row.isSubscriber(of: request.envelope) && row.bodyHash == request.bodyHash {
        return try repeated(row, request, at: now)
      }
      ordinal = Ordinal.next(ordinal)
    }
    let ledgerID = request.envelope.ledgerID.mixed(with: ordinal)
    let seed = try refusedSeed(failure, ordinal: ordinal, ledgerID: ledgerID, at: now)
    guard try insert(request, seed) else { throw DamagedTables("the refusals of an identity") }
    return try inserted(request, seed, at: now)
  }

  // MARK: The same subscriber again

  /// The row's reply again, or the way it is on.
  private func repeated(_ row: StoredRow, _ request: NewRequest, at now: Timestamp) throws -> Admission {
    let id = RequestID(row.id)
    guard row.state == .finished else {
      guard row.state == .following else { return try joined(row, request, as: (id, row.ledgerID), at: now) }
      guard let leader = try self.leader(of: row.id) else { throw DamagedTables("a subscriber") }
      return try joined(leader, request, as: (id, row.ledgerID), at: now)
    }
    try setUndeliverable(row.id, reason: nil)
    try ready(row.id, request.urgency, again: true)
    if row.kind == .refused, let failure = row.failure {
      return Admission(id: id, ledgerID: row.ledgerID, kind: .refused(failure), custody: .broker)
    }
    return Admission(id: id, ledgerID: row.ledgerID, kind: .answered, custody: request.custody)
  }

  /// Attached to a call without an outcome. A claim whose process died is taken over by whoever comes first.
  ///
  /// The answer's custody is the call's: who follows a call that only the broker remembers must stay with the broker too,
  /// and who follows one that the ledger holds need not wait unacked.
  private func joined(
    _ leader: StoredRow, _ request: NewRequest, as row: (id: RequestID, ledgerID: LedgerID), at now: Timestamp
  ) throws -> Admission {
    guard try isAbandonedClaim(leader) else {
      return Admission(id: row.id, ledgerID: row.ledgerID, kind: .inFlight, custody: leader.custody)
    }
    try insertLost(leader, at: now)
    switch request.content {
    case .poison(let failure):
      // Its message is leaving the broker for the dead letters: nothing would bring the call back.
      try finish(leader, failure, at: now)
      return Admission(id: row.id, ledgerID: row.ledgerID, kind: .refused(failure), custody: .broker)
    case .call(let call):
      if call.custody == .ledger {
        try keep(leader.id, as: call, notBefore: now)
        try store(call.body, of: leader.id)
      } else {
        try claim(leader.id)
      }
      return Admission(
        id: row.id, ledgerID: row.ledgerID, kind: .takenOver(attempt: leader.attemptNumber + 1), custody: call.custody)
    }
  }
}

extension NewRequest {
  fileprivate var custody: Custody {
    switch content {
    case .call(let call): call.custody
    case .poison: .broker
    }
  }
}
