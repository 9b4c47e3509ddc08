import BatchCore
import Glibc
import Ledger
import TestSupport
import Testing
import Threading
import Wire

@testable import LedgerPostgres

@Suite("Replicas: at the same time", .serialized, .timeLimit(.minutes(5)))
struct ConcurrencyTests {
  @Test("a batch is not ended while another replica gives a row back to it", arguments: [false, true])
  func returned(isAbandoned: Bool) async throws {
    let replicas = try await ReplicaSet(2)
    let ledger = replicas[0]
    let row = try await replicas.admit(0, TestDelivery("a") { $0.deadline = replicas.now + .seconds(600) })[0].id
    let batch = try await replicas.plan(0, [row], label: "label").id
    try await ledger.markCreating(batch, inputFileID: "file", at: replicas.now)
    try await ledger.markSubmitted(batch, providerBatchID: "batch_1", at: replicas.now)
    let limit = SpendLimit(most: PicoUSD(1000), since: replicas.now + .seconds(-86_400))
    _ = try await ledger.rescue(
      batch, .sendTwice([RescuedRow(id: row, cost: PicoUSD(10))], limit), at: replicas.now)
    let isHeld = OneShot<Void>()
    // The other's transaction, in the middle of it.
    async let other: Void = replicas.place.connected { connection throws in
      try connection.simple("BEGIN")
      try connection.simple("UPDATE millrace.request SET state = 3 WHERE id = \(row.rawValue)")
      isHeld.succeed(())
      let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
      let end = ContinuousClock.now + .seconds(20)
      while try connection.simple(waiting)[0].integer(0) == 0, ContinuousClock.now < end {
        // Else it sees the others as they were at the first look, until its transaction ends.
        try connection.simple("SELECT pg_stat_clear_snapshot()")
        usleep(1000)
      }
      try connection.simple("COMMIT")
    }
    await isHeld.value
    if isAbandoned {
      try await ledger.abandon(batch, notBefore: replicas.now, limit: nil, at: replicas.now)
      #expect(try await ledger.acceptedRows(after: nil, limit: 9).map(\.id) == [row])
    } else {
      try await requireError(.invalid) { try await ledger.settle(batch, at: replicas.now) }
      #expect(try await ledger.unsettledRows(batch, after: nil, limit: 9).map(\.id) == [row])
    }
    try await other
    await replicas.close()
  }

  @Test("the same keys at three replicas at once are one call each")
  func sameKeys() async throws {
    let replicas = try await ReplicaSet(3)
    let keys = 1000
    let found = try await withThrowingTaskGroup(of: [Admission].self) { group in
      for index in 0..<3 {
        group.addTask {
          var admissions: [Admission] = []
          for start in stride(from: 0, to: keys, by: 20) {
            let page = (start..<start + 20).map { number in
              TestDelivery.interactive("k\(number)") { $0.correlation = "c\(index)" }.request(at: replicas.now)
            }
            admissions += try await replicas[index].admit(page.shuffled(), at: replicas.now)
          }
          return admissions
        }
      }
      return try await group.reduce(into: [Admission]()) { $0 += $1 }
    }
    #expect(found.count == 3 * keys)
    #expect(found.count { $0.kind == .new(attempt: 1) } == keys)
    #expect(found.count { $0.kind == .inFlight } == 2 * keys)
    #expect(Set(found.map(\.ledgerID)).count == 3 * keys)
    #expect(try await replicas.number("SELECT count(DISTINCT call_key) FROM millrace.request WHERE kind = 0") == 1000)
    await replicas.close()
  }

  @Test("who joins while the leader finishes elsewhere is answered, whoever comes first")
  func followers() async throws {
    let replicas = try await ReplicaSet(3)
    for round in 0..<150 {
      let leader = try await replicas.admit(0, .interactive("k\(round)"))[0]
      let early = try await replicas.admit(2, .interactive("k\(round)") { $0.correlation = "early" })[0]
      let rows = try await withThrowingTaskGroup(of: [RequestID].self) { group in
        for index in 0..<3 {
          group.addTask {
            var rows: [RequestID] = []
            for number in 0..<Int.random(in: 1...4) {
              for _ in 0..<Int.random(in: 0...40) { await Task.yield() }
              let joined = try await replicas.admit(
                index, .interactive("k\(round)") { $0.correlation = "\(index) \(number)" })[0]
              try require([.inFlight, .answered].contains(joined.kind))
              rows.append(joined.id)
            }
            return rows
          }
        }
        group.addTask {
          for _ in 0..<Int.random(in: 0...200) { await Task.yield() }
          try requireEqual(try await replicas.record(0, TestLedger.success(leader.id, "\(round)")), .finished)
          return [leader.id]
        }
        return try await group.reduce(into: [early.id]) { $0 += $1 }
      }
      var replies: [PendingReply] = []
      for index in 0..<3 { replies += try await replicas.takeReplies(index) }
      try requireEqual(replies.map(\.id).sorted(), rows.sorted())
      try require(replies.allSatisfy { $0.response == TestLedger.answer("\(round)") && $0.failure == nil })
      for index in 0..<3 { try await replicas[index].delivered(replies.map(\.taken), at: replicas.now) }
    }
    #expect(try await replicas.number("SELECT count(*) FROM millrace.request WHERE state = 4") == 0)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.outbox") == 0)
    await replicas.close()
  }

  @Test("a subscriber that is cancelled while its call finishes elsewhere has one outcome")
  func cancelled() async throws {
    let replicas = try await ReplicaSet(2)
    let count = 60
    for round in 0..<25 {
      let deliveries = (0..<count).map { number in
        TestDelivery.interactive("k\(round)") { $0.correlation = "\(round) \(number)" }.request(at: replicas.now)
      }
      let rows = try await replicas[0].admit(deliveries, at: replicas.now)
      async let end = replicas.record(0, TestLedger.success(rows[0].id))
      let cancelled = try await withThrowingTaskGroup(of: [RequestID].self) { group in
        for number in (1..<count).shuffled() {
          group.addTask {
            try await replicas[1].cancel(
              tenant: "default", correlationID: Array("\(round) \(number)".utf8), at: replicas.now)
          }
        }
        return try await group.reduce(into: Set<RequestID>()) { $0.formUnion($1) }
      }
      try requireEqual(try await end, .finished)
      let replies = try await replicas.takeReplies(0) + replicas.takeReplies(1)
      try requireEqual(replies.map(\.id).sorted(), rows.map(\.id).sorted())
      for reply in replies { try requireEqual(reply.failure?.code == .cancelled, cancelled.contains(reply.id)) }
      for index in 0..<2 { try await replicas[index].delivered(replies.map(\.taken), at: replicas.now) }
    }
    await replicas.close()
  }

  @Test("a parked row is taken by one of several, and a row enters one of two batches")
  func taking() async throws {
    let replicas = try await ReplicaSet(3)
    let parked = try await replicas[0].admit(
      (0..<300).map { number in
        TestDelivery("p\(number)") { $0.lane = .interactive }.request(at: replicas.now)
      }, at: replicas.now)
    let accepted = try await replicas[0].admit(
      (0..<300).map { TestDelivery("a\($0)").request(at: replicas.now) }, at: replicas.now)
    let (calls, members) = try await withThrowingTaskGroup(of: ([RequestID], Int).self) { group in
      for index in 0..<3 {
        group.addTask {
          var calls: [RequestID] = []
          var members = 0
          // What another is taking at that moment is left out, so that it takes more rounds than rows.
          for round in 0..<60 {
            calls += try await replicas.takeParked(index, limit: 7).map(\.id)
            let plan = BatchPlan(
              key: TestLedger.key, rows: Array(accepted.map(\.id).shuffled().prefix(40)), label: "l-\(index)-\(round)",
              account: "a", trigger: .idle)
            members += try await replicas[index].plan(plan, at: replicas.now).batch?.rowCount ?? 0
          }
          return (calls, members)
        }
      }
      return try await group.reduce(into: ([RequestID](), 0)) { sum, next in
        sum.0 += next.0
        sum.1 += next.1
      }
    }
    #expect(calls.count == parked.count)
    #expect(Set(calls) == Set(parked.map(\.id)))
    #expect(
      try await replicas.number("SELECT count(*) FROM millrace.request WHERE state = 3 AND attempt_no = 1") == members)
    #expect(try await replicas.number("SELECT sum(row_count) FROM millrace.batch") == members)
    await replicas.close()
  }

  @Test("two replicas that purge at once remove everything once")
  func purge() async throws {
    let replicas = try await ReplicaSet(2)
    let rows = try await replicas[0].admit(
      (0..<1500).map { number in
        TestDelivery.interactive("k\(number / 2)") { $0.correlation = "c\(number)" }.request(at: replicas.now)
      }, at: replicas.now)
    let leaders = rows.filter { $0.kind == .new(attempt: 1) }
    _ = try await replicas[0].record(leaders.map { TestLedger.success($0.id) }, at: replicas.now)
    try await replicas[0].delivered(try await replicas.takeReplies(0).map(\.taken), at: replicas.now)
    let later = replicas.now + .seconds(10)
    let removed = try await withThrowingTaskGroup(of: Int.self) { group in
      for index in 0..<2 {
        group.addTask {
          var removed = 0
          // Leaders go after their subscribers.
          for _ in 0..<30 {
            removed += try await replicas[index].purge(finishedBefore: later, bodiesBefore: later, limit: 100).requests
          }
          return removed
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(removed == 1500)
    for table in ["request", "attempt", "body"] {
      #expect(try await replicas.number("SELECT count(*) FROM millrace.\(table)") == 0)
    }
    await replicas.close()
  }

  @Test("eight that open an empty database at once all join")
  func migrations() async throws {
    for _ in 0..<6 {
      let place = try await PostgresPlace()
      let ledgers = try await withThrowingTaskGroup(of: PostgresLedger.self) { group in
        for _ in 0..<8 { group.addTask { try await onThread { try place.open() } } }
        return try await group.reduce(into: [PostgresLedger]()) { $0.append($1) }
      }
      try #require(Set(ledgers.map(\.replica)).count == 8)
      #expect(try await ledgers[0].describe().hasSuffix("replicas: 8"))
      for ledger in ledgers { await ledger.close() }
    }
  }

  @Test("a database of a newer version is refused with a line that says so, by every command")
  func newer() async throws {
    let place = try await PostgresPlace()
    await (try await onThread { try place.open() }).close()
    try await place.run("UPDATE millrace.meta SET value = 1000 WHERE name = 'version'")
    let commands: [@Sendable () throws -> Void] = [
      { _ = try place.open() }, { _ = try PostgresLedger.migrate(url: place.url) },
      { _ = try PostgresLedger.inspect(url: place.url) },
    ]
    for command in commands {
      do {
        try await onThread(command)
        Issue.record("a newer ledger was opened")
      } catch let error as LedgerError {
        #expect(error.reason == .unusable)
        #expect(error.message.contains("has schema version 1000, this program knows up to \(Schema.version)"))
        #expect(!error.message.contains("\n"))
      }
    }
  }
}
