#if FAILPOINTS
  import BatchCore
  import Ledger
  import Threading
  import Wire

  /// A ledger with a failpoint before and after each call that writes; after means that it is committed.
  struct FailpointLedger: LedgerStore {
    let ledger: any LedgerStore

    func around<Value>(
      _ point: Failpoint, _ operation: () async throws(LedgerError) -> Value
    ) async throws(LedgerError) -> Value {
      point.before()
      let value = try await operation()
      point.after()
      return value
    }
  }

  // MARK: - Replicas

  extension FailpointLedger {
    var isShared: Bool { ledger.isShared }
    func leaseLeft() -> Duration? { ledger.leaseLeft() }
    func leaseLost() async { await ledger.leaseLost() }
    func stopWaiting() { ledger.stopWaiting() }

    func takeOver(at now: Timestamp) async throws(LedgerError) -> TakenOver {
      try await around(.takeOver) { () async throws(LedgerError) in try await ledger.takeOver(at: now) }
    }

    func progress(of rows: [RequestID]) async throws(LedgerError) -> [RequestProgress] {
      try await ledger.progress(of: rows)
    }

    func runWindows(_ keys: [WindowKey]) async throws(LedgerError) -> Set<WindowKey> {
      try await ledger.runWindows(keys)
    }

    func offer(_ rows: [(key: WindowKey, rows: [RequestID])]) async throws(LedgerError) {
      try await ledger.offer(rows)
    }

    func offeredRows() async throws(LedgerError) -> [AcceptedRow] { try await ledger.offeredRows() }

    func exchange(_ reports: [GateReport]) async throws(LedgerError) -> [PaceGrant] {
      try await ledger.exchange(reports)
    }

    func openBreakers(of keys: [GateKey]?) async throws(LedgerError) -> [OpenBreaker] {
      try await ledger.openBreakers(of: keys)
    }

    func closeBreakers(_ keys: [GateKey]) async throws(LedgerError) { try await ledger.closeBreakers(keys) }

    func release(_ route: Route, limit: Int, at now: Timestamp) async throws(LedgerError) -> Int {
      try await ledger.release(route, limit: limit, at: now)
    }

    func reroute(_ rows: [RequestID], to route: Route) async throws(LedgerError) {
      try await ledger.reroute(rows, to: route)
    }
  }

  // MARK: - What writes

  extension FailpointLedger {
    func admit(_ requests: [NewRequest], at now: Timestamp) async throws(LedgerError) -> [Admission] {
      try await around(.admit) { () async throws(LedgerError) in try await ledger.admit(requests, at: now) }
    }

    func acknowledged(_ rows: [RequestID]) async throws(LedgerError) {
      try await around(.acknowledged) { () async throws(LedgerError) in try await ledger.acknowledged(rows) }
    }

    func park(_ rows: [(id: RequestID, body: RequestBody, notBefore: Timestamp)]) async throws(LedgerError) {
      try await around(.park) { () async throws(LedgerError) in try await ledger.park(rows) }
    }

    func takeParked(_ claim: ParkedClaim, at now: Timestamp) async throws(LedgerError) -> TakenCalls {
      try await around(.takeParked) { () async throws(LedgerError) in try await ledger.takeParked(claim, at: now) }
    }

    func cancel(
      tenant: String, correlationID: [UInt8], at now: Timestamp
    ) async throws(LedgerError) -> [RequestID] {
      try await around(.cancel) { () async throws(LedgerError) in
        try await ledger.cancel(tenant: tenant, correlationID: correlationID, at: now)
      }
    }

    func plan(_ plan: BatchPlan, at now: Timestamp) async throws(LedgerError) -> PlannedBatch {
      try await around(.plan) { () async throws(LedgerError) in try await ledger.plan(plan, at: now) }
    }

    func markCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) async throws(LedgerError) {
      try await around(.markCreating) { () async throws(LedgerError) in
        try await ledger.markCreating(batch, inputFileID: inputFileID, at: now)
      }
    }

    func markPlanned(_ batch: BatchID) async throws(LedgerError) {
      try await around(.markPlanned) { () async throws(LedgerError) in try await ledger.markPlanned(batch) }
    }

    func markSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) async throws(LedgerError) {
      try await around(.markSubmitted) { () async throws(LedgerError) in
        try await ledger.markSubmitted(batch, providerBatchID: providerBatchID, at: now)
      }
    }

    func abandon(
      _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
    ) async throws(LedgerError) {
      try await around(.abandon) { () async throws(LedgerError) in
        try await ledger.abandon(batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
      }
    }

    func settle(_ batch: BatchID, at now: Timestamp) async throws(LedgerError) {
      try await around(.settle) { () async throws(LedgerError) in try await ledger.settle(batch, at: now) }
    }

    func record(_ outcomes: [AttemptOutcome], at now: Timestamp) async throws(LedgerError) -> [RecordedOutcome] {
      try await around(.record) { () async throws(LedgerError) in try await ledger.record(outcomes, at: now) }
    }

    func fail(
      _ rows: [(id: RequestID, failure: Failure, body: RequestBody?)], at now: Timestamp
    ) async throws(LedgerError) {
      try await around(.fail) { () async throws(LedgerError) in try await ledger.fail(rows, at: now) }
    }

    /// Empty answers do not count: nobody can say how many there are.
    func takeReplies(
      _ urgency: ReplyUrgency, limit: Int, maximumBytes: Int
    ) async throws(LedgerError) -> [PendingReply] {
      Failpoint.takeReplies.before()
      let replies = try await ledger.takeReplies(urgency, limit: limit, maximumBytes: maximumBytes)
      if !replies.isEmpty { Failpoint.takeReplies.after() }
      return replies
    }

    func delivered(_ replies: [TakenReply], at now: Timestamp) async throws(LedgerError) {
      try await around(.delivered) { () async throws(LedgerError) in try await ledger.delivered(replies, at: now) }
    }

    func undeliverable(
      _ replies: [(reply: TakenReply, reason: String)], at now: Timestamp
    ) async throws(LedgerError) {
      try await around(.undeliverable) { () async throws(LedgerError) in
        try await ledger.undeliverable(replies, at: now)
      }
    }
  }

  // MARK: - What reads

  extension FailpointLedger {
    func parkedLines() async throws(LedgerError) -> [(line: ParkedLine, notBefore: Timestamp)] {
      try await ledger.parkedLines()
    }

    func acceptedRows(after: RequestID?, limit: Int) async throws(LedgerError) -> [AcceptedRow] {
      try await ledger.acceptedRows(after: after, limit: limit)
    }

    func batchRows(
      _ batch: BatchID, after: RequestID?, limit: Int, maximumBytes: Int
    ) async throws(LedgerError) -> [BatchRowBody] {
      try await ledger.batchRows(batch, after: after, limit: limit, maximumBytes: maximumBytes)
    }

    func keepLines(_ lines: BatchLines, of batch: BatchID) async throws(LedgerError) -> BatchLines {
      try await ledger.keepLines(lines, of: batch)
    }

    func lines(of batch: BatchID) async throws(LedgerError) -> BatchLines? { try await ledger.lines(of: batch) }

    func takePlace(
      for batch: BatchRecord, _ limits: BatchLimits, at now: Timestamp
    ) async throws(LedgerError) -> BatchPlace {
      try await ledger.takePlace(for: batch, limits, at: now)
    }

    func learn(
      _ lesson: BatchLesson, from batch: BatchRecord, random: UInt64, at now: Timestamp
    ) async throws(LedgerError) -> BatchStanding {
      try await ledger.learn(lesson, from: batch, random: random, at: now)
    }

    func learn(_ measures: [TokenMeasure], at now: Timestamp) async throws(LedgerError) {
      try await ledger.learn(measures, at: now)
    }

    func standings(at now: Timestamp) async throws(LedgerError) -> [BatchStanding] {
      try await ledger.standings(at: now)
    }

    func resolve(label: String, as resolution: BatchResolution, at now: Timestamp) async throws(LedgerError) -> Bool {
      try await ledger.resolve(label: label, as: resolution, at: now)
    }

    func resolution(of batch: BatchID) async throws(LedgerError) -> BatchResolution? {
      try await ledger.resolution(of: batch)
    }

    func marks(of queue: Lane, limit: Int) async throws(LedgerError) -> [AckMark] {
      try await ledger.marks(of: queue, limit: limit)
    }

    func removeMarks(_ marks: [AckMark]) async throws(LedgerError) { try await ledger.removeMarks(marks) }

    func purge(
      finishedBefore: Timestamp, bodiesBefore: Timestamp, limit: Int
    ) async throws(LedgerError) -> PurgedRows {
      try await ledger.purge(finishedBefore: finishedBefore, bodiesBefore: bodiesBefore, limit: limit)
    }

    func shiftWaiting(after: Timestamp, upTo: Timestamp, by step: Duration) async throws(LedgerError) {
      try await ledger.shiftWaiting(after: after, upTo: upTo, by: step)
    }

    func openBatches() async throws(LedgerError) -> [BatchRecord] { try await ledger.openBatches() }

    func unsettledRows(
      _ batch: BatchID, after: RequestID?, limit: Int
    ) async throws(LedgerError) -> [UnsettledRow] {
      try await ledger.unsettledRows(batch, after: after, limit: limit)
    }

    func backlog() async throws(LedgerError) -> [BacklogEntry] { try await ledger.backlog() }
    func backlogBytes() async throws(LedgerError) -> Int64 { try await ledger.backlogBytes() }
    func describe() async throws(LedgerError) -> String { try await ledger.describe() }
    func close() async { await ledger.close() }
  }
#endif
