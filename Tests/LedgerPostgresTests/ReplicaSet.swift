import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import LedgerPostgres

/// Several replicas on one database, in this process. None sees that another's process has ended: silence only.
struct ReplicaSet {
  let place: PostgresPlace
  let all: [PostgresLedger]
  let now = Timestamp(milliseconds: 1_700_000_000_000)
  static let route = TestDelivery("").route

  /// - Parameter leases: One a replica. One that is to stay alive on a busy machine needs some seconds.
  init(_ leases: [Duration]) async throws {
    place = try await PostgresPlace()
    all = try await onThread { [place] in
      try leases.map { try place.open(lease: $0, process: "a process of a test") }
    }
  }

  init(_ count: Int, lease: Duration = .seconds(30)) async throws {
    try await self.init(Array(repeating: lease, count: count))
  }

  subscript(index: Int) -> PostgresLedger { all[index] }

  func close() async { for ledger in all { await ledger.close() } }

  /// No renewal and no goodbye from here on.
  func freeze(_ index: Int) { all[index].lease.setFrozen(true) }

  /// Takes over until the condition holds for everything that was taken.
  func takeOver(
    by index: Int, _ what: String, until isEnough: (TakenOver) -> Bool = { !$0.isEmpty }
  ) async throws -> TakenOver {
    var sum = TakenOver()
    try await eventually("the take-over of \(what)") {
      let taken = try await all[index].takeOver(at: now)
      sum.batches += taken.batches
      sum.parked = sum.parked || taken.parked
      sum.replies = sum.replies || taken.replies
      sum.windows = sum.windows || taken.windows
      return isEnough(sum)
    }
    return sum
  }

  // MARK: Work

  func admit(_ index: Int, _ deliveries: TestDelivery...) async throws -> [Admission] {
    try await all[index].admit(deliveries.map { $0.request(at: now) }, at: now)
  }

  func plan(_ index: Int, _ rows: [RequestID], label: String) async throws -> BatchRecord {
    let plan = BatchPlan(key: TestLedger.key, rows: rows, label: label, account: "openai-1", trigger: .idle)
    return try unwrap(try await all[index].plan(plan, at: now).batch)
  }

  func takeParked(_ index: Int, limit: Int = 100) async throws -> [ParkedCall] {
    try await all[index].takeParked(
      provider: Self.route.provider, model: Self.route.model, limit: limit, at: now)
  }

  func record(_ index: Int, _ outcome: AttemptOutcome) async throws -> RecordedOutcome {
    try unwrap(try await all[index].record([outcome], at: now).first)
  }

  func takeReplies(_ index: Int) async throws -> [PendingReply] {
    try await all[index].takeReplies(limit: 10_000, maximumBytes: 1 << 24)
  }

  /// A number that a statement gives.
  func number(_ sql: String) async throws -> Int64 {
    try await place.connected { try unwrap(Int64(try $0.simple(sql).text ?? "")) }
  }
}
