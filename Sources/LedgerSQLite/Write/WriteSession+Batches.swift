import BatchCore
import Ledger
import Wire

/// The three steps of a batch, and its end.
extension WriteSession {
  private struct Member {
    var id: Int64
    var attempt: Int
    var tokens: Int64
    var bodyBytes: Int64
    var modelBytes: Int64
    var bodyHash: SHA256Digest
  }

  func plan(_ plan: BatchPlan, at now: Timestamp) throws -> PlannedBatch {
    var members: [Member] = []
    members.reserveCapacity(plan.rows.count)
    var expired: [RequestID] = []
    // In id order, which is the order of the input file; an id that is named twice is taken once.
    var last: Int64?
    for id in plan.rows.map(\.rawValue).sorted() where id != last {
      last = id
      batches.selectRow.start().bind(id)
      let found = try batches.selectRow.first { row -> (member: Member, deadline: Timestamp?)? in
        guard try row.value(0, RowState.self) == .accepted else { return nil }
        let member = Member(
          id: id, attempt: row.int(5) + 1, tokens: row.integer(2), bodyBytes: row.integer(3),
          modelBytes: row.integer(4), bodyHash: try row.digest(6))
        return (member, row.optionalTimestamp(1))
      }
      guard let found = found ?? nil else { continue }
      if let deadline = found.deadline, deadline < now {
        expired.append(RequestID(id))
      } else {
        members.append(found.member)
      }
    }
    for id in expired {
      guard let row = try requests.row(id.rawValue) else { continue }
      try finish(row, Failure(.deadlineExceeded, "its deadline passed before it was sent"), at: now)
    }
    if members.isEmpty { return PlannedBatch(batch: nil, expired: expired) }
    let batch = try insert(plan, members, at: now)
    for member in members {
      batches.assignRow.start().bind(batch.id.rawValue)
      batches.assignRow.bind(member.id)
      try batches.assignRow.run()
    }
    return PlannedBatch(batch: batch, expired: expired)
  }

  private func insert(_ plan: BatchPlan, _ members: [Member], at now: Timestamp) throws -> BatchRecord {
    var hasher = SHA256()
    var tokens: Int64 = 0
    var (bodyBytes, modelBytes, customIDBytes) = (Int64(0), Int64(0), Int64(0))
    for member in members {
      var customID = "\(plan.label)_\(member.id)_\(member.attempt)"
      customIDBytes += Int64(customID.utf8.count)
      customID.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
      // No custom id has a line break, so no two lists of rows hash the same bytes.
      hasher.update(CollectionOfOne(UInt8(ascii: "\n")))
      member.bodyHash.withUnsafeBytes { hasher.update($0) }
      tokens = tokens.addingReportingOverflow(member.tokens).partialValue
      bodyBytes += member.bodyBytes
      modelBytes += member.modelBytes
    }
    let contentHash = hasher.finalize()
    let row = batches.insertBatch.start()
    row.bind(plan.label)
    row.bind(plan.account)
    row.bind(plan.key.lane)
    row.bind(plan.key.provider)
    row.bind(plan.key.model)
    row.bind(plan.key.endpoint)
    row.bind(Int64(plan.key.deadlineClass))
    row.bind(plan.trigger)
    row.bind(members.count)
    row.bind(tokens)
    row.bind(bodyBytes)
    row.bind(modelBytes)
    row.bind(customIDBytes)
    row.bind(contentHash)
    row.bind(now)
    row.bind(plan.halvings)
    guard let id = try row.first({ $0.integer(0) }) else { throw SQLiteFailure.damaged("a new batch") }
    return BatchRecord(
      id: BatchID(id), state: .planned, label: plan.label, account: plan.account, key: plan.key,
      rowCount: members.count, tokens: tokens, bodyBytes: bodyBytes, modelRangeBytes: modelBytes,
      customIDBytes: customIDBytes, contentHash: contentHash, createdAt: now, halvings: plan.halvings)
  }

  // MARK: States

  private func state(of batch: BatchID) throws -> (state: BatchRecord.State, providerID: String?) {
    batches.selectState.start().bind(batch.rawValue)
    let found = try batches.selectState.first { row in
      (state: try row.value(0, BatchRecord.State.self), providerID: row.optionalText(1))
    }
    guard let found else { throw InvalidOperation("there is no batch \(batch.rawValue)") }
    return found
  }

  private func require(_ batch: BatchID, in states: Set<BatchRecord.State>, to what: String) throws {
    let state = try state(of: batch).state
    guard states.contains(state) else {
      throw InvalidOperation("batch \(batch.rawValue) is \(state) and cannot be \(what)")
    }
  }

  func markCreating(_ batch: BatchID, inputFileID: String) throws {
    try require(batch, in: [.planned, .creating], to: "created")
    batches.updateCreating.start().bind(inputFileID)
    batches.updateCreating.bind(batch.rawValue)
    try batches.updateCreating.run()
  }

  func markPlanned(_ batch: BatchID) throws {
    try require(batch, in: [.planned, .creating], to: "planned again")
    batches.updatePlanned.start().bind(batch.rawValue)
    try batches.updatePlanned.run()
  }

  func markSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) throws {
    let (state, known) = try state(of: batch)
    if state == .submitted && known == providerBatchID { return }
    try require(batch, in: [.planned, .creating], to: "confirmed as \(providerBatchID)")
    batches.updateSubmitted.start().bind(providerBatchID)
    batches.updateSubmitted.bind(now)
    batches.updateSubmitted.bind(batch.rawValue)
    try batches.updateSubmitted.run()
  }

  /// Returns whether there is such a batch to be decided about.
  func resolve(label: String, as resolution: BatchResolution) throws -> Bool {
    let row = batches.updateResolution.start()
    row.bind(StoredResolution(resolution))
    row.bind(resolution.adoptedID)
    row.bind(label)
    return try row.run() == 1
  }

  func settle(_ batch: BatchID, at now: Timestamp) throws {
    let state = try state(of: batch).state
    if state == .settled || state == .abandoned { return }
    batches.countUnsettled.start().bind(batch.rawValue)
    let count = try batches.countUnsettled.first { $0.int(0) } ?? 0
    guard count == 0 else {
      throw InvalidOperation("batch \(batch.rawValue) has \(count) rows without a result and cannot be settled")
    }
    try end(batch, as: .settled, at: now)
  }

  func abandon(_ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, at now: Timestamp) throws {
    let state = try state(of: batch).state
    if state == .settled || state == .abandoned { return }
    if let limit {
      batches.selectInBatch.start().bind(batch.rawValue)
      var ids: [Int64] = []
      try batches.selectInBatch.forEach { row in
        ids.append(row.integer(0))
        return true
      }
      for id in ids { try giveBack(id, from: batch, notBefore: notBefore, limit: limit, at: now) }
    } else {
      batches.releaseAll.start().bind(notBefore)
      batches.releaseAll.bind(batch.rawValue)
      try batches.releaseAll.run()
    }
    try end(batch, as: .abandoned, at: now)
  }

  private func giveBack(
    _ id: Int64, from batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit, at now: Timestamp
  ) throws {
    guard let row = try requests.row(id) else { return }
    let outcome = AttemptOutcome(
      id: RequestID(id), attempt: row.attemptNumber, batch: batch, verdict: .requeue(notBefore: notBefore, limit))
    // Its result was not seen: one that comes late still brings its cost.
    try outcomes.insertAttempt(outcome, id: makeAttemptID(), of: id, .lost, at: now)
    if isUsedUp(row, limit) {
      try finish(row, limit.failure, countingAttempts: 1, at: now)
    } else {
      try outcomes.wait(id, as: .accepted, countingAttempts: 1, notBefore: notBefore)
    }
  }

  private func end(_ batch: BatchID, as state: BatchRecord.State, at now: Timestamp) throws {
    batches.updateEnded.start().bind(state)
    batches.updateEnded.bind(now)
    batches.updateEnded.bind(batch.rawValue)
    try batches.updateEnded.run()
  }

  // MARK: Parked rows

  func takeParked(_ route: Route, limit: Int, at now: Timestamp) throws -> [ParkedCall] {
    let routeID = try id(of: route)
    let select = batches.selectParked.start()
    select.bind(routeID)
    select.bind(now)
    select.bind(limit)
    var calls: [ParkedCall] = []
    try select.forEach { row in
      calls.append(
        ParkedCall(
          id: RequestID(row.integer(0)), attempt: row.int(1) + 1, endpoint: try row.value(2), route: route,
          model: row.text(3), body: try row.body(6, offset: 4, length: 5), tokens: row.integer(7),
          deadline: row.optionalTimestamp(8), receivedAt: row.timestamp(9)))
      return true
    }
    for call in calls { try outcomes.claimParked(call.id.rawValue, epoch: epoch) }
    return calls
  }
}
