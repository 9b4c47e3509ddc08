public import BatchCore
public import Ledger
import Threading

/// A store with a clock and short forms of what tests do with it.
public final class TestLedger: Sendable {
  private struct State {
    var store: any LedgerStore
    var now = Timestamp(milliseconds: 1_700_000_000_000)
    var labels = 0
  }

  private let place: LedgerPlace
  private let state: Locked<State>

  public init(_ place: LedgerPlace) async throws {
    self.place = place
    state = Locked(State(store: try await Self.open(place)))
  }

  public var store: any LedgerStore { state.withLock { $0.store } }
  public var now: Timestamp { state.withLock { $0.now } }

  public func advance(by duration: Duration) { state.withLock { $0.now = $0.now + duration } }

  public func close() async { await store.close() }

  /// As after a restart of the process.
  public func reopen() async throws {
    await close()
    let store = try await Self.open(place)
    state.withLock { $0.store = store }
  }

  /// Opens the store and goes on with what the process before has left.
  private static func open(_ place: LedgerPlace) async throws -> any LedgerStore {
    let store = try await place.open()
    while !(try await store.takeOver(at: Timestamp(milliseconds: 1_700_000_000_000))).isEmpty {}
    return store
  }

  // MARK: Deliveries

  public func admit(_ deliveries: TestDelivery...) async throws -> [Admission] {
    try await store.admit(deliveries.map { $0.request(at: now) }, at: now)
  }

  public func admit(_ delivery: TestDelivery) async throws -> Admission {
    try unwrap(try await store.admit([delivery.request(at: now)], at: now).first)
  }

  // MARK: Batches

  public static let key = WindowKey(
    lane: .deferred, provider: "openai", model: "gpt-4o-mini-2024-07-18", endpoint: .responses, deadlineClass: 0)

  public func plan(_ rows: [RequestID]) async throws -> PlannedBatch {
    let label = state.withLock { state in
      state.labels += 1
      return "label-\(state.labels)"
    }
    let plan = BatchPlan(key: Self.key, rows: rows, label: label, account: "openai-1", trigger: .idle)
    return try await store.plan(plan, at: now)
  }

  public func batch(_ rows: RequestID...) async throws -> BatchRecord {
    try unwrap(try await plan(rows).batch)
  }

  // MARK: Outcomes

  public static func answer(_ text: String = "fine") -> ProviderResponse {
    ProviderResponse(statusCode: 200, requestID: "r-\(text)", body: Array(#"{"answer":"\#(text)"}"#.utf8))
  }

  public func record(_ outcome: AttemptOutcome) async throws -> RecordedOutcome {
    try unwrap(try await store.record([outcome], at: now).first)
  }

  /// A success that cost 7 pico-dollars.
  public static func success(
    _ id: RequestID, attempt: Int = 1, batch: BatchID? = nil, _ text: String = "fine"
  ) -> AttemptOutcome {
    AttemptOutcome(
      id: id, attempt: attempt, batch: batch, verdict: .finish(nil), response: answer(text),
      usage: Usage(inputTokens: 5, cachedInputTokens: 2, outputTokens: 3), cost: PicoUSD(7),
      basis: batch == nil ? .list : .batch)
  }

  public static func failure(
    _ id: RequestID, _ code: FailureCode, attempt: Int = 1, batch: BatchID? = nil
  ) -> AttemptOutcome {
    AttemptOutcome(id: id, attempt: attempt, batch: batch, verdict: .finish(Failure(code, "no")))
  }

  /// Takes the call through a batch to its success.
  public func succeed(_ id: RequestID, _ text: String = "fine") async throws {
    let batch = try await batch(id)
    let row = try unwrap(try await store.unsettledRows(batch.id, after: nil, limit: 1).first)
    try requireEqual(
      try await record(Self.success(id, attempt: row.attempt, batch: batch.id, text)), .finished)
    try await store.settle(batch.id, at: now)
  }

  // MARK: Replies

  public func takeReplies() async throws -> [PendingReply] {
    try await store.takeReplies(limit: 1000, maximumBytes: 1 << 20)
  }

  /// Takes the one reply that must be there.
  public func takeReply() async throws -> PendingReply {
    let replies = try await takeReplies()
    try requireEqual(replies.count, 1)
    return replies[0]
  }

  /// Takes what is there and confirms it.
  @discardableResult
  public func deliver() async throws -> [PendingReply] {
    let replies = try await takeReplies()
    try await store.delivered(replies.map(\.taken), at: now)
    return replies
  }
}
