import BatchCore
import Dispatch
import Ledger
import LedgerRules
import TestSupport
import Testing
import Threading
import Wire

@testable import LedgerPostgres

@Suite("Replicas: take-over", .serialized, .timeLimit(.minutes(5)))
struct TakeOverTests {
  /// What replica 0 has in hand: a batch, a claim of a parked row, a reply that it took.
  private func load(_ replicas: ReplicaSet) async throws -> (batch: BatchRecord, call: ParkedCall, reply: RequestID) {
    let rows = try await replicas.admit(
      0, TestDelivery("batch"), TestDelivery("parked") { $0.lane = .interactive },
      .interactive("poison") { $0.poison = Failure(.invalidJSON, "no") })
    let batch = try await replicas.plan(0, [rows[0].id], label: "label-0")
    let call = try unwrap(try await replicas.takeParked(0).first)
    try requireEqual(call.id, rows[1].id)
    try requireEqual(try await replicas.takeReplies(0).map(\.id), [rows[2].id])
    return (batch, call, rows[2].id)
  }

  @Test("nothing is taken from a replica that lives, however long it works")
  func live() async throws {
    let replicas = try await ReplicaSet([.seconds(3), .seconds(2)])
    _ = try await load(replicas)
    let clock = ContinuousClock()
    let end = clock.now + .seconds(7)
    try await eventually("two leases") {
      try require(try await replicas[1].takeOver(at: replicas.now).isEmpty)
      try require(try await replicas.takeParked(1).isEmpty)
      try require(try await replicas.takeReplies(1).isEmpty)
      return clock.now > end
    }
    #expect(try #require(replicas[0].leaseLeft()) > .zero)
    await replicas.close()
  }

  @Test("what a silent one held is another's after a lease, and it writes no more", arguments: [false, true])
  func silent(wakesUp: Bool) async throws {
    let replicas = try await ReplicaSet([.seconds(2), .seconds(2)])
    let held = try await load(replicas)
    let clock = ContinuousClock()
    replicas.freeze(0)
    let frozenAt = clock.now
    let taken = try await replicas.takeOver(by: 1, "a silent replica's work")
    // Its last renewal was up to a third of the lease before.
    #expect(clock.now - frozenAt > .seconds(1))
    #expect(replicas[0].leaseLeft() == .zero)
    #expect(taken.batches.map(\.id) == [held.batch.id])
    #expect(taken.batches.first == held.batch)
    #expect(taken.parked && taken.replies)
    // It stays urgent.
    let replies = try await replicas[1].takeReplies(.urgent, limit: 9, maximumBytes: 1 << 20)
    #expect(replies.map(\.id) == [held.reply])
    let again = try unwrap(try await replicas.takeParked(1).first)
    #expect(again.id == held.call.id && again.attempt == held.call.attempt + 1)

    let ledger = replicas[0]
    let now = replicas.now
    if wakesUp {
      // It hears of it by itself, before it writes anything.
      ledger.lease.setFrozen(false)
      await ledger.leaseLost()
    }
    try await requireError(.fenced) { try await ledger.markCreating(held.batch.id, inputFileID: "f", at: now) }
    try await requireError(.fenced) { try await ledger.markPlanned(held.batch.id) }
    try await requireError(.fenced) { _ = try await replicas.record(0, TestLedger.success(held.call.id)) }
    try await requireError(.fenced) { _ = try await replicas.admit(0, TestDelivery("late")) }
    try await requireError(.fenced) { try await ledger.delivered(replies.map(\.taken), at: now) }
    try await requireError(.fenced) { _ = try await replicas.takeParked(0) }
    try await requireError(.fenced) { try await ledger.settle(held.batch.id, at: now) }
    try await requireError(.fenced) { _ = try await ledger.takeOver(at: now) }
    try await requireError(.fenced) { _ = try await ledger.runWindows([TestLedger.key]) }
    await ledger.leaseLost()
    #expect(ledger.leaseLeft() == .zero)
    // What it would have written is nowhere, and the other goes on.
    #expect(try await replicas.number("SELECT count(*) FROM millrace.request") == 3)
    #expect(try await replicas.record(1, TestLedger.success(again.id, attempt: again.attempt)) == .finished)
    #expect(try await replicas.takeReplies(1).map(\.id) == [again.id])
    await replicas.close()
  }

  @Test("one that is stopped in the middle of a transaction keeps its work until the server ends that")
  func openTransaction() async throws {
    let replicas = try await ReplicaSet([.seconds(2), .seconds(2)])
    let held = try await load(replicas)
    let gate = DispatchSemaphore(value: 0)
    let entered = OneShot<Void>()
    let now = replicas.now
    async let late: Void = replicas[0].commits.perform(rows: 1) { session in
      try session.markCreating(held.batch.id, inputFileID: "late", at: now)
      entered.succeed(())
      // On the writer's thread, not on the cooperative pool.
      gate.wait()
    }
    await entered.value
    replicas.freeze(0)
    let taken = try await replicas.takeOver(by: 1, "a batch that its owner was writing")
    #expect(taken.batches.map(\.state) == [.planned])
    gate.signal()
    do {
      try await late
      Issue.record("a write after the take-over was committed")
    } catch let error as LedgerError {
      #expect(error.reason == .fenced)
    }
    await replicas[0].leaseLost()
    #expect(try await replicas[1].openBatches().map(\.state) == [.planned])
    try await replicas[1].markCreating(held.batch.id, inputFileID: "mine", at: now)
    await replicas.close()
  }

  @Test("a session that neither idles nor ends is ended after another lease")
  func stuck() async throws {
    let replicas = try await ReplicaSet([.seconds(2), .seconds(2)])
    let held = try await load(replicas)
    let entered = OneShot<Void>()
    async let late: Void = replicas[0].commits.perform(rows: 1) { session in
      try session.markCreating(held.batch.id, inputFileID: "late", at: TestClock.start)
      entered.succeed(())
      _ = try session.connection?.simple("SELECT pg_sleep(25)")
    }
    await entered.value
    replicas.freeze(0)
    let clock = ContinuousClock()
    let start = clock.now
    #expect(try await replicas.takeOver(by: 1, "a stuck replica's batch").batches.map(\.state) == [.planned])
    #expect(clock.now - start < .seconds(20))
    do {
      try await late
      Issue.record("a write after the take-over was committed")
    } catch {
      #expect([.fenced, .unavailable].contains((error as? LedgerError)?.reason))
    }
    try await requireError(.fenced) { _ = try await replicas.takeParked(0) }
    await replicas.close()
  }

  @Test("who closes hands over at once")
  func graceful() async throws {
    let replicas = try await ReplicaSet(2, lease: .seconds(600))
    let held = try await load(replicas)
    #expect(try await replicas[0].runWindows([TestLedger.key]) == [TestLedger.key])
    await replicas[0].close()
    let taken = try await replicas[1].takeOver(at: replicas.now)
    #expect(taken.batches.map(\.id) == [held.batch.id])
    #expect(taken.parked && taken.replies && taken.windows)
    #expect(try await replicas[1].takeOver(at: replicas.now).isEmpty)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.gone") == 0)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.commit_mark") == 1)
    await replicas.close()
  }

  @Test("a claim whose message the broker holds is taken over by its redelivery, at another replica")
  func claims() async throws {
    let replicas = try await ReplicaSet([.seconds(2), .seconds(2)])
    let claim = try await replicas.admit(0, .interactive("a"))[0]
    let attached = try await replicas.admit(1, .interactive("a") { $0.correlation = "c2" })[0]
    #expect(attached.kind == .inFlight)
    #expect(try await replicas[1].progress(of: [claim.id, attached.id]) == [.underway, .underway])
    replicas.freeze(0)
    try await eventually("the end of the claim") {
      _ = try await replicas[1].takeOver(at: replicas.now)
      return try await replicas[1].progress(of: [attached.id]) == [.abandoned]
    }
    let again = try await replicas.admit(1, .interactive("a") { $0.redelivered = true })[0]
    #expect(again.kind == .takenOver(attempt: 2))
    #expect(again.id == claim.id)
    try await requireError(.fenced) { _ = try await replicas.record(0, TestLedger.success(claim.id)) }
    #expect(try await replicas.record(1, TestLedger.success(claim.id, attempt: 2)) == .finished)
    #expect(try await replicas.takeReplies(1).map(\.id) == [claim.id, attached.id])
    #expect(try await replicas[1].progress(of: [claim.id, attached.id]) == [.answered, .answered])
    await replicas.close()
  }
}
