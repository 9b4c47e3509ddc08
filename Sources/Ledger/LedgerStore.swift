public import BatchCore

/// The durable record of requests, attempts, batches, results and replies.
///
/// Every call that writes returns after its commit is on disk; calls that run at the same time may share one commit.
/// Lists keep their order. Times are passed in.
public protocol LedgerStore: Sendable {
  // MARK: Replicas and gates

  /// Whether other processes may work on the same ledger.
  var isShared: Bool { get }

  /// What is left of this process's lease by the machine's boot-time clock; nil where no other process could take its
  /// work over. Nothing that costs money is begun with less than it takes.
  func leaseLeft() -> Duration?

  /// Returns when another replica has taken over what this process held, or when the task is cancelled.
  func leaseLost() async

  /// Takes over what processes that are gone have left, a share at a time: call it again until nothing comes.
  func takeOver(at now: Timestamp) async throws(LedgerError) -> TakenOver

  /// How far requests are whose deliveries this process holds while another may be calling for them. In the same order.
  func progress(of rows: [RequestID]) async throws(LedgerError) -> [RequestProgress]

  /// Which of the windows this process runs: those that no other replica runs become its own.
  func runWindows(_ keys: [WindowKey]) async throws(LedgerError) -> Set<WindowKey>

  /// Tells whoever runs the windows of accepted rows. A hint: a sweep finds the rows that it does not reach.
  func offer(_ rows: [(key: WindowKey, rows: [RequestID])]) async throws(LedgerError)

  /// Accepted rows that other replicas offered to the windows of this one.
  func offeredRows() async throws(LedgerError) -> [AcceptedRow]

  /// Brings the gates that replicas share up to date with what this one tells of them, and grants it its part, by the
  /// store's clock. One grant for each report. What is not shared by replicas is never asked for.
  func exchange(_ reports: [GateReport]) async throws(LedgerError) -> [PaceGrant]

  /// Breakers that replicas share and that are not closed: of these gates, or of all.
  func openBreakers(of keys: [GateKey]?) async throws(LedgerError) -> [OpenBreaker]

  /// Closes breakers that replicas share, for all of them.
  func closeBreakers(_ keys: [GateKey]) async throws(LedgerError)

  /// Sends requests that wait, or that this process has claimed, another way: to this provider and model.
  func reroute(_ rows: [RequestID], to route: Route) async throws(LedgerError)

  // MARK: Custody

  /// Records deliveries under their identities. See `Admission` for what comes of each.
  func admit(_ requests: [NewRequest], at now: Timestamp) async throws(LedgerError) -> [Admission]

  /// Notes that the broker is known to have processed the acks of these rows: a later delivery with their fingerprint
  /// is another request even if it is marked as redelivered.
  func acknowledged(_ rows: [RequestID]) async throws(LedgerError)

  /// Marks of rows that came from a lane's queue and whose deliveries need be held no longer: what the ledger has custody
  /// of, and what is finished and has no reply in the outbox.
  func marks(of queue: Lane, limit: Int) async throws(LedgerError) -> [AckMark]

  /// Ends those of the marks that no redelivery has renewed: their rows absorb nothing any more.
  func removeMarks(_ marks: [AckMark]) async throws(LedgerError)

  /// Moves interactive claims from the broker's custody into the ledger's, to be sent when a gate opens.
  func park(_ rows: [(id: RequestID, body: RequestBody, notBefore: Timestamp)]) async throws(LedgerError)

  /// Claims parked rows of one line that may be sent now. Tenants get their shares by weight, whichever replica claims, and
  /// of each the oldest rows.
  func takeParked(_ claim: ParkedClaim, at now: Timestamp) async throws(LedgerError) -> TakenCalls

  /// Lines that have parked rows, with the earliest time at which one may be sent.
  func parkedLines() async throws(LedgerError) -> [(line: ParkedLine, notBefore: Timestamp)]

  /// Lets parked rows of a route be sent now that were to wait for longer. Returns how many of them it were, the limit at
  /// most.
  func release(_ route: Route, limit: Int, at now: Timestamp) async throws(LedgerError) -> Int

  /// Finishes what has not been sent of the subscriber with this tenant and correlation ID as `cancelled`.
  /// Returns the rows.
  func cancel(tenant: String, correlationID: [UInt8], at now: Timestamp) async throws(LedgerError) -> [RequestID]

  /// Moves when waiting rows, accepted or parked, may be sent, for those whose time lies after the one and not after the
  /// other: the clock that the times were taken from was set.
  func shiftWaiting(after: Timestamp, upTo: Timestamp, by step: Duration) async throws(LedgerError)

  // MARK: Deadlines

  /// Sends accepted rows the synchronous way: they are parked. Returns how many there still were.
  func expedite(_ rows: [RequestID], at now: Timestamp) async throws(LedgerError) -> Int

  /// Requests of the route that have no outcome and are due after then, in the order of their deadlines, by the second;
  /// of no more than so many rows.
  func dueRows(_ route: Route, after: Timestamp, limit: Int) async throws(LedgerError) -> [DueRows]

  /// How long the account's latest batches took, or have taken so far. At most `limit` batches are looked at.
  func batchRuns(account: String, limit: Int, at now: Timestamp) async throws(LedgerError) -> [ModelRun]

  /// Commits how the endangered rows of a submitted batch are saved. Returns the rows that were parked, whose attempt in
  /// the batch runs on: the first success of either is the outcome, and no failure is while the other may succeed.
  func rescue(_ batch: BatchID, _ rescue: BatchRescue, at now: Timestamp) async throws(LedgerError) -> [RescuedRow]

  /// What was knowingly paid twice since then, as estimated.
  func doubleSpend(since: Timestamp) async throws(LedgerError) -> PicoUSD

  /// Whether the request has its outcome.
  func hasOutcome(_ row: RequestID) async throws(LedgerError) -> Bool

  // MARK: Batches

  /// Accepted rows without a batch in id order, after the given one.
  func acceptedRows(after: RequestID?, limit: Int) async throws(LedgerError) -> [AcceptedRow]

  /// Commits the intent: a batch of those rows that are still accepted, without a batch and within their deadline.
  ///
  /// A large one takes several commits, and an error may come after some of them. Whoever makes the same plan again then
  /// has the whole batch; where nobody does, as after a crash, it stands with the rows that it has.
  func plan(_ plan: BatchPlan, at now: Timestamp) async throws(LedgerError) -> PlannedBatch

  /// Asks for a planned batch's place within the limits of its account, against all others that share the ledger: what is
  /// granted stays taken until the batch ends. Asking again changes nothing.
  func takePlace(for batch: BatchRecord, _ limits: BatchLimits, at now: Timestamp) async throws(LedgerError)
    -> BatchPlace

  /// Keeps what a batch taught about the limits of its account.
  func learn(_ lesson: BatchLesson, from batch: BatchRecord, random: UInt64, at now: Timestamp)
    async throws(LedgerError) -> BatchStanding

  /// Keeps what synchronous calls taught about how a provider counts, beside what batches taught.
  func learn(_ measures: [TokenMeasure], at now: Timestamp) async throws(LedgerError)

  /// How each account stands that has unfinished batches or has taught something.
  func standings(at now: Timestamp) async throws(LedgerError) -> [BatchStanding]

  /// Bodies of a batch's rows in the order of their prompts, then of their ids, after the given one, at most `limit` rows
  /// and about `maximumBytes`.
  func batchRows(_ batch: BatchID, after: RequestID?, limit: Int, maximumBytes: Int) async throws(LedgerError)
    -> [BatchRowBody]

  /// Keeps how the rows of a planned batch become lines. What is kept first holds for good, and is returned.
  func keepLines(_ lines: BatchLines, of batch: BatchID) async throws(LedgerError) -> BatchLines

  /// How the rows of a batch become lines; nil where each has one of its own.
  func lines(of batch: BatchID) async throws(LedgerError) -> BatchLines?

  /// Notes that the create is about to be written. From here on the batch may exist at the provider.
  /// - Parameter inputFileID: Nil where the rows travel in the create itself.
  func markCreating(_ batch: BatchID, inputFileID: String?, at now: Timestamp) async throws(LedgerError)

  /// Back to planned: the create is known not to have happened.
  func markPlanned(_ batch: BatchID) async throws(LedgerError)

  /// The provider's id is known.
  func markSubmitted(_ batch: BatchID, providerBatchID: String, at now: Timestamp) async throws(LedgerError)

  /// All rows of the batch that have no result go back to the accepted rows, or finish when their attempts are used up
  /// (without a limit the attempt does not count); the batch ends as abandoned. A large one takes several commits, and ends
  /// with the last.
  ///
  /// - Parameter costUnknown: Whether rows of it may have run and been paid: each keeps a lost attempt at its ceiling.
  func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, costUnknown: Bool, at now: Timestamp)
    async throws(LedgerError)

  /// Batches that are planned, creating or submitted.
  func openBatches() async throws(LedgerError) -> [BatchRecord]

  /// Stores what an operator decides about the open batch with this label, for whoever holds it. Returns false when there
  /// is none, or when its create is confirmed or has not begun: then there is nothing to decide, except about a submitted
  /// batch that nobody can reach, which cannot be adopted.
  func resolve(label: String, as resolution: BatchResolution, at now: Timestamp) async throws(LedgerError) -> Bool

  /// What an operator has decided about a batch. It is forgotten when the batch goes on.
  func resolution(of batch: BatchID) async throws(LedgerError) -> BatchResolution?

  /// Rows that are still in the batch without a result, in the same order after the given one.
  func unsettledRows(_ batch: BatchID, after: RequestID?, limit: Int) async throws(LedgerError) -> [UnsettledRow]

  /// Ends a batch that has no unsettled rows.
  func settle(_ batch: BatchID, at now: Timestamp) async throws(LedgerError)

  // MARK: Outcomes and replies

  /// Records the ends of attempts: cost, result and replies in one transaction.
  func record(_ outcomes: [AttemptOutcome], at now: Timestamp) async throws(LedgerError) -> [RecordedOutcome]

  /// Finishes requests that were not sent, with a failure.
  func fail(_ rows: [(id: RequestID, failure: Failure, body: RequestBody?)], at now: Timestamp)
    async throws(LedgerError)

  /// The next replies of one part of the outbox in the order in which they became ready, at most `limit` and about
  /// `maximumBytes`. A reply is taken once, until it is given back or the ledger is opened again.
  func takeReplies(_ urgency: ReplyUrgency, limit: Int, maximumBytes: Int) async throws(LedgerError) -> [PendingReply]

  /// The broker confirmed these replies.
  func delivered(_ replies: [TakenReply], at now: Timestamp) async throws(LedgerError)

  /// The broker refuses these replies whatever is done; they stay in the ledger and block nobody.
  func undeliverable(_ replies: [(reply: TakenReply, reason: String)], at now: Timestamp) async throws(LedgerError)

  // MARK: Retention

  /// Removes what ended long ago, oldest first, in a commit of at most `limit` requests and about as many bodies: requests
  /// that finished before the first time, with their attempts, bodies and batches, and the bodies of those that finished
  /// before the second. Less than the limit means that there is no more for now.
  ///
  /// A request stays while its reply is in the outbox, while something of its call has no outcome, and, if it leads a call,
  /// as long as newer subscribers of the call do. A success without its body is no stored answer: its key starts a new
  /// generation.
  func purge(finishedBefore: Timestamp, bodiesBefore: Timestamp, limit: Int) async throws(LedgerError) -> PurgedRows

  // MARK: Budgets

  /// Budgets of periods that begin then or later, or had not ended, as they stand.
  func budgets(since: Timestamp) async throws(LedgerError) -> [BudgetStanding]

  /// Whether this is the one of all processes that says of the budget, in this period, that it nears its end.
  func claimBudgetAlert(_ key: String, period: Timestamp) async throws(LedgerError) -> Bool

  /// Lets calls go that wait for a budget and fit into it by now. Returns how many.
  func releaseHeld(_ rules: [BudgetRule], limit: Int, at now: Timestamp) async throws(LedgerError) -> Int

  // MARK: Watching

  /// What attempts cost. Attempts count from the commit of their end, in their days, also when they are purged.
  func costs(_ query: CostQuery) async throws(LedgerError) -> CostReport

  func backlog() async throws(LedgerError) -> [BacklogEntry]

  /// Bytes that the backlog's bodies take, about.
  func backlogBytes() async throws(LedgerError) -> Int64

  /// One line for `millrace check`: what and where the store is, and its schema version.
  func describe() async throws(LedgerError) -> String

  /// The process ends: no operation waits any longer for a store that is away than it must.
  func stopWaiting()

  func close() async
}

extension LedgerStore {
  /// The same where no row of the batch can have been paid.
  public func abandon(
    _ batch: BatchID, notBefore: Timestamp, limit: AttemptOutcome.Limit?, at now: Timestamp
  ) async throws(LedgerError) {
    try await abandon(batch, notBefore: notBefore, limit: limit, costUnknown: false, at: now)
  }
}
