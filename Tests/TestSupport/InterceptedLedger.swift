public import BatchCore
public import Ledger
import Threading

/// A ledger between the worker and the real one: it can be out of reach, and can hold an operation before or after its
/// commit. It counts what is going on, so that a test knows when all is quiet.
public final class InterceptedLedger: LedgerStore {
  public enum Operation: Hashable, Sendable, CaseIterable {
    case takeOver, progress, runWindows, offer, offeredRows, exchange, reroute, openBreakers, closeBreakers
    case admit, acknowledged, marks, removeMarks, park, takeParked, parkedLines, release, cancel, shiftWaiting
    case takePlace, learn, standings
    case expedite, dueRows, batchRuns, rescue, doubleSpend, hasOutcome, costs, budgets, claimBudgetAlert, releaseHeld
    case acceptedRows, plan, batchRows, keepLines, lines, markCreating, markPlanned, markSubmitted, abandon, openBatches
    case resolve, resolution, unsettledRows, settle, record, fail, takeReplies, delivered, undeliverable
    case purge, backlog, backlogBytes, describe
  }

  private struct State {
    var inFlight = 0
    var calls = 0
    var counts: [Operation: Int] = [:]
    var unavailable: Set<Operation> = []
    var before: [Operation: Gate] = [:]
    var after: [Operation: Gate] = [:]
    var leaseLeft: Duration?
    var refusesRequest: @Sendable (NewRequest) -> Bool = { _ in false }
    var refusesOutcome: @Sendable (AttemptOutcome) -> Bool = { _ in false }
  }

  public let base: any LedgerStore
  private let state = Locked(State())

  public init(_ base: any LedgerStore) {
    self.base = base
  }

  // MARK: For the test

  /// These operations fail from here on, without reaching the ledger.
  public func setUnavailable(_ operations: Set<Operation>) { state.withLock { $0.unavailable = operations } }

  /// What is left of the lease from here on, whatever the ledger says; nil asks the ledger.
  public func setLeaseLeft(_ left: Duration?) { state.withLock { $0.leaseLeft = left } }

  /// The ledger cannot keep such requests from here on: what is admitted together with one fails with it.
  public func refuse(requests: @escaping @Sendable (NewRequest) -> Bool) {
    state.withLock { $0.refusesRequest = requests }
  }

  /// The same for the ends of attempts.
  public func refuse(outcomes: @escaping @Sendable (AttemptOutcome) -> Bool) {
    state.withLock { $0.refusesOutcome = outcomes }
  }

  private static let refusal = LedgerError(.invalid, "the test has the ledger refuse a row")

  /// The gate that the operation passes before it begins.
  public func gate(before operation: Operation) -> Gate {
    state.withLock { state in
      let gate = state.before[operation] ?? Gate()
      state.before[operation] = gate
      return gate
    }
  }

  /// The gate that the operation passes between its commit and its return.
  public func gate(after operation: Operation) -> Gate {
    state.withLock { state in
      let gate = state.after[operation] ?? Gate()
      state.after[operation] = gate
      return gate
    }
  }

  public func openGates() {
    for gate in state.withLock({ Array($0.before.values) + Array($0.after.values) }) { gate.open() }
  }

  /// Operations that have begun and not returned, those that a gate holds not counted.
  public var inFlight: Int {
    state.withLock { state in
      state.inFlight - (Array(state.before.values) + Array(state.after.values)).reduce(0) { $0 + $1.held }
    }
  }
  public var calls: Int { state.withLock { $0.calls } }
  public func count(_ operation: Operation) -> Int { state.withLock { $0.counts[operation] ?? 0 } }

  func through<Result: Sendable>(
    _ operation: Operation, _ body: () async throws(LedgerError) -> Result
  ) async throws(LedgerError) -> Result {
    let (before, after) = state.withLock { state in
      state.inFlight += 1
      state.calls += 1
      state.counts[operation, default: 0] += 1
      return (state.before[operation], state.after[operation])
    }
    defer { state.withLock { $0.inFlight -= 1 } }
    await before?.pass()
    if state.withLock({ $0.unavailable.contains(operation) }) {
      throw LedgerError(.unavailable, "the test made the ledger unavailable")
    }
    let result = try await body()
    await after?.pass()
    return result
  }

  // MARK: LedgerStore

  public var isShared: Bool { base.isShared }
  public func leaseLeft() -> Duration? { state.withLock { $0.leaseLeft } ?? base.leaseLeft() }
  public func leaseLost() async { await base.leaseLost() }
  public func stopWaiting() { base.stopWaiting() }

  public func takeOver(at now: Timestamp) async throws(LedgerError) -> TakenOver {
    try await through(.takeOver) { () async throws(LedgerError) in try await base.takeOver(at: now) }
  }

  public func progress(of rows: [RequestID]) async throws(LedgerError) -> [RequestProgress] {
    try await through(.progress) { () async throws(LedgerError) in try await base.progress(of: rows) }
  }

  public func runWindows(_ keys: [WindowKey]) async throws(LedgerError) -> Set<WindowKey> {
    try await through(.runWindows) { () async throws(LedgerError) in try await base.runWindows(keys) }
  }

  public func offer(_ rows: [(key: WindowKey, rows: [RequestID])]) async throws(LedgerError) {
    try await through(.offer) { () async throws(LedgerError) in try await base.offer(rows) }
  }

  public func offeredRows() async throws(LedgerError) -> [AcceptedRow] {
    try await through(.offeredRows) { () async throws(LedgerError) in try await base.offeredRows() }
  }

  public func exchange(_ reports: [GateReport]) async throws(LedgerError) -> [PaceGrant] {
    try await through(.exchange) { () async throws(LedgerError) in try await base.exchange(reports) }
  }

  public func openBreakers(of keys: [GateKey]?) async throws(LedgerError) -> [OpenBreaker] {
    try await through(.openBreakers) { () async throws(LedgerError) in try await base.openBreakers(of: keys) }
  }

  public func closeBreakers(_ keys: [GateKey]) async throws(LedgerError) {
    try await through(.closeBreakers) { () async throws(LedgerError) in try await base.closeBreakers(keys) }
  }

  public func release(_ route: Route, limit: Int, at now: Timestamp) async throws(LedgerError) -> Int {
    try await through(.release) { () async throws(LedgerError) in
      try await base.release(route, limit: limit, at: now)
    }
  }

  public func reroute(_ rows: [RequestID], to route: Route) async throws(LedgerError) {
    try await through(.reroute) { () async throws(LedgerError) in try await base.reroute(rows, to: route) }
  }

  public func admit(_ requests: [NewRequest], at now: Timestamp) async throws(LedgerError) -> [Admission] {
    let refuses = state.withLock { $0.refusesRequest }
    return try await through(.admit) { () async throws(LedgerError) in
      if requests.contains(where: refuses) { throw Self.refusal }
      return try await base.admit(requests, at: now)
    }
  }

  public func acknowledged(_ rows: [RequestID]) async throws(LedgerError) {
    try await through(.acknowledged) { () async throws(LedgerError) in try await base.acknowledged(rows) }
  }

  public func marks(of queue: Lane, limit: Int) async throws(LedgerError) -> [AckMark] {
    try await through(.marks) { () async throws(LedgerError) in try await base.marks(of: queue, limit: limit) }
  }

  public func removeMarks(_ marks: [AckMark]) async throws(LedgerError) {
    try await through(.removeMarks) { () async throws(LedgerError) in try await base.removeMarks(marks) }
  }

  public func park(_ rows: [(id: RequestID, body: RequestBody, notBefore: Timestamp)]) async throws(LedgerError) {
    try await through(.park) { () async throws(LedgerError) in try await base.park(rows) }
  }

  public func takeParked(_ claim: ParkedClaim, at now: Timestamp) async throws(LedgerError) -> TakenCalls {
    try await through(.takeParked) { () async throws(LedgerError) in try await base.takeParked(claim, at: now) }
  }

  public func parkedLines() async throws(LedgerError) -> [(line: ParkedLine, notBefore: Timestamp)] {
    try await through(.parkedLines) { () async throws(LedgerError) in try await base.parkedLines() }
  }

  public func cancel(
    tenant: String, correlationID: [UInt8], at now: Timestamp
  ) async throws(LedgerError) -> [RequestID] {
    try await through(.cancel) { () async throws(LedgerError) in
      try await base.cancel(tenant: tenant, correlationID: correlationID, at: now)
    }
  }

  public func shiftWaiting(after: Timestamp, upTo: Timestamp, by step: Duration) async throws(LedgerError) {
    try await through(.shiftWaiting) { () async throws(LedgerError) in
      try await base.shiftWaiting(after: after, upTo: upTo, by: step)
    }
  }

  public func acceptedRows(after: RequestID?, limit: Int) async throws(LedgerError) -> [AcceptedRow] {
    try await through(.acceptedRows) { () async throws(LedgerError) in
      try await base.acceptedRows(after: after, limit: limit)
    }
  }

  public func plan(_ plan: BatchPlan, at now: Timestamp) async throws(LedgerError) -> PlannedBatch {
    try await through(.plan) { () async throws(LedgerError) in try await base.plan(plan, at: now) }
  }

  public func takePlace(
    for batch: BatchRecord, _ limits: BatchLimits, at now: Timestamp
  ) async throws(LedgerError) -> BatchPlace {
    try await through(.takePlace) { () async throws(LedgerError) in
      try await base.takePlace(for: batch, limits, at: now)
    }
  }

  public func learn(
    _ lesson: BatchLesson, from batch: BatchRecord, random: UInt64, at now: Timestamp
  ) async throws(LedgerError) -> BatchStanding {
    try await through(.learn) { () async throws(LedgerError) in
      try await base.learn(lesson, from: batch, random: random, at: now)
    }
  }

  public func learn(_ measures: [TokenMeasure], at now: Timestamp) async throws(LedgerError) {
    try await through(.learn) { () async throws(LedgerError) in try await base.learn(measures, at: now) }
  }

  public func standings(at now: Timestamp) async throws(LedgerError) -> [BatchStanding] {
    try await through(.standings) { () async throws(LedgerError) in try await base.standings(at: now) }
  }

  public func batchRows(
    _ batch: BatchID, after: RequestID?, limit: Int, maximumBytes: Int
  ) async throws(LedgerError) -> [BatchRowBody] {
    try await through(.batchRows) { () async throws(LedgerError) in
      try await base.batchRows(batch, after: after, limit: limit, maximumBytes: maximumBytes)
    }
  }

  public func keepLines(_ lines: BatchLines, of batch: BatchID) async throws(LedgerError) -> BatchLines {
    try await through(.keepLines) { () async throws(LedgerError) in try await base.keepLines(lines, of: batch) }
  }

  public func lines(of batch: BatchID) async throws(LedgerError) -> BatchLines? {
    try await through(.lines) { () async throws(LedgerError) in try await base.lines(of: batch) }
  }

  public func markCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) async throws(LedgerError) {
    try await through(.markCreating) { () async throws(LedgerError) in
      try await base.markCreating(batch, inputFileID: inputFileID, at: now)
    }
  }

  public func markPlanned(_ batch: BatchID) async throws(LedgerError) {
    try await through(.markPlanned) { () async throws(LedgerError) in try await base.markPlanned(batch) }
  }

  public func markSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) async throws(LedgerError) {
    try await through(.markSubmitted) { () async throws(LedgerError) in
      try await base.markSubmitted(batch, providerBatchID: providerBatchID, at: now)
    }
  }

  public func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp
  ) async throws(LedgerError) {
    try await through(.abandon) { () async throws(LedgerError) in
      try await base.abandon(batch, notBefore: notBefore, limit: limit, costUnknown: costUnknown, at: now)
    }
  }

  public func openBatches() async throws(LedgerError) -> [BatchRecord] {
    try await through(.openBatches) { () async throws(LedgerError) in try await base.openBatches() }
  }

  public func resolve(
    label: String, as resolution: BatchResolution, at now: Timestamp
  ) async throws(LedgerError) -> Bool {
    try await through(.resolve) { () async throws(LedgerError) in
      try await base.resolve(label: label, as: resolution, at: now)
    }
  }

  public func resolution(of batch: BatchID) async throws(LedgerError) -> BatchResolution? {
    try await through(.resolution) { () async throws(LedgerError) in try await base.resolution(of: batch) }
  }

  public func purge(
    finishedBefore: Timestamp, bodiesBefore: Timestamp, limit: Int
  ) async throws(LedgerError) -> PurgedRows {
    try await through(.purge) { () async throws(LedgerError) in
      try await base.purge(finishedBefore: finishedBefore, bodiesBefore: bodiesBefore, limit: limit)
    }
  }

  public func unsettledRows(
    _ batch: BatchID, after: RequestID?, limit: Int
  ) async throws(LedgerError) -> [UnsettledRow] {
    try await through(.unsettledRows) { () async throws(LedgerError) in
      try await base.unsettledRows(batch, after: after, limit: limit)
    }
  }

  public func settle(_ batch: BatchID, at now: Timestamp) async throws(LedgerError) {
    try await through(.settle) { () async throws(LedgerError) in try await base.settle(batch, at: now) }
  }

  public func record(_ outcomes: [AttemptOutcome], at now: Timestamp) async throws(LedgerError) -> [RecordedOutcome] {
    let refuses = state.withLock { $0.refusesOutcome }
    return try await through(.record) { () async throws(LedgerError) in
      if outcomes.contains(where: refuses) { throw Self.refusal }
      return try await base.record(outcomes, at: now)
    }
  }

  public func fail(
    _ rows: [(id: RequestID, failure: Failure, body: RequestBody?)], at now: Timestamp
  ) async throws(LedgerError) {
    try await through(.fail) { () async throws(LedgerError) in try await base.fail(rows, at: now) }
  }

  public func takeReplies(
    _ urgency: ReplyUrgency, limit: Int, maximumBytes: Int
  ) async throws(LedgerError) -> [PendingReply] {
    try await through(.takeReplies) { () async throws(LedgerError) in
      try await base.takeReplies(urgency, limit: limit, maximumBytes: maximumBytes)
    }
  }

  public func delivered(_ replies: [TakenReply], at now: Timestamp) async throws(LedgerError) {
    try await through(.delivered) { () async throws(LedgerError) in try await base.delivered(replies, at: now) }
  }

  public func undeliverable(
    _ replies: [(reply: TakenReply, reason: String)], at now: Timestamp
  ) async throws(LedgerError) {
    try await through(.undeliverable) { () async throws(LedgerError) in try await base.undeliverable(replies, at: now) }
  }

  public func backlog() async throws(LedgerError) -> [BacklogEntry] {
    try await through(.backlog) { () async throws(LedgerError) in try await base.backlog() }
  }

  public func backlogBytes() async throws(LedgerError) -> Int64 {
    try await through(.backlogBytes) { () async throws(LedgerError) in try await base.backlogBytes() }
  }

  public func describe() async throws(LedgerError) -> String {
    try await through(.describe) { () async throws(LedgerError) in try await base.describe() }
  }

  public func close() async { await base.close() }
}
