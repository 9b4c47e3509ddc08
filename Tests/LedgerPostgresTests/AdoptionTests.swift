import BatchCore
import Ledger
import TestSupport
import Testing
import Wire

@testable import LedgerPostgres

@Suite("Replicas: who gets what", .serialized, .timeLimit(.minutes(5)))
struct AdoptionTests {
  @Test("what a dead one left is adopted by exactly one of several, and none of it is forgotten")
  func once() async throws {
    let replicas = try await ReplicaSet(4, lease: .seconds(600))
    let count = 40
    var batches: Set<BatchID> = []
    for number in 0..<count {
      let row = try await replicas.admit(0, TestDelivery("b\(number)"))[0]
      batches.insert(try await replicas.plan(0, [row.id], label: "label-\(number)").id)
    }
    let parked = try await replicas[0].admit(
      (0..<1200).map { number in
        TestDelivery("p\(number)") { $0.lane = .interactive }.request(at: replicas.now)
      }, at: replicas.now)
    #expect(try await replicas.takeParked(0, limit: 2000).count == parked.count)
    let poison = try await replicas[0].admit(
      (0..<5000).map { number in
        TestDelivery("x\(number)") { $0.poison = Failure(.invalidJSON, "no") }.request(at: replicas.now)
      }, at: replicas.now)
    await replicas[0].close()

    let taken = try await withThrowingTaskGroup(of: [BatchID].self) { group in
      for index in 1...3 {
        group.addTask {
          var found: [BatchID] = []
          try await eventually("the end of the take-over") {
            found += try await replicas[index].takeOver(at: replicas.now).batches.map(\.id)
            return try await replicas.number("SELECT count(*) FROM millrace.gone") == 0
          }
          return found
        }
      }
      return try await group.reduce(into: [BatchID]()) { $0 += $1 }
    }
    #expect(taken.count == count)
    #expect(Set(taken) == batches)
    var replies: [RequestID] = []
    var claims: [ParkedCall] = []
    for index in 1...3 {
      let own = try await replicas.takeReplies(index)
      // Each keeps the order in which they became ready.
      #expect(own.map(\.id) == own.map(\.id).sorted())
      replies += own.map(\.id)
      claims += try await replicas.takeParked(index, limit: 700)
    }
    #expect(replies.count == poison.count)
    #expect(Set(replies) == Set(poison.map(\.id)))
    #expect(claims.count == parked.count)
    #expect(Set(claims.map(\.id)) == Set(parked.map(\.id)))
    #expect(Set(claims.map(\.attempt)) == [2])
    #expect(try await replicas.number("SELECT count(*) FROM millrace.attempt WHERE outcome = 3") == 1200)
    await replicas.close()
  }

  @Test("adopted replies come after those that the new owner has, also after its cursor")
  func replyOrder() async throws {
    let replicas = try await ReplicaSet(2, lease: .seconds(600))
    func poison(_ index: Int, _ key: String) async throws -> RequestID {
      try await replicas.admit(index, TestDelivery(key) { $0.poison = Failure(.invalidJSON, "no") })[0].id
    }
    // The one that takes over has the lower places.
    let own = try await poison(1, "own")
    let first = try await replicas.takeReplies(1)
    #expect(first.map(\.id) == [own])
    var left: [RequestID] = []
    for number in 0..<30 { left.append(try await poison(0, "k\(number)")) }
    let later = try await poison(1, "later")
    await replicas[0].close()
    #expect(try await replicas[1].takeOver(at: replicas.now).replies)
    let rest = try await replicas.takeReplies(1)
    #expect(rest.map(\.id) == [later] + left)
    try await replicas[1].delivered((first + rest).map(\.taken), at: replicas.now)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.outbox") == 0)
    await replicas.close()
  }

  @Test("a window is run by one replica, rows that others accept arrive there, and nothing is left when it goes")
  func windows() async throws {
    let replicas = try await ReplicaSet(3, lease: .seconds(600))
    let keys = (0..<20).map { number -> WindowKey in
      var key = TestLedger.key
      key.model = "m\(number)"
      return key
    }
    let runs = try await withThrowingTaskGroup(of: (Int, Set<WindowKey>).self) { group in
      for index in 0..<3 {
        group.addTask { (index, try await replicas[index].runWindows(keys.shuffled())) }
      }
      return try await group.reduce(into: [Int: Set<WindowKey>]()) { $0[$1.0] = $1.1 }
    }
    #expect(runs.values.reduce(0) { $0 + $1.count } == keys.count)
    #expect(runs.values.reduce(into: Set<WindowKey>()) { $0.formUnion($1) } == Set(keys))
    for (index, own) in runs { #expect(try await replicas[index].runWindows(keys) == own) }

    let owner = try #require(runs.first { $0.value.contains(keys[0]) }?.key)
    let other = (owner + 1) % 3
    let row = try await replicas.admit(other, TestDelivery("a"))[0]
    try await replicas[other].offer([(key: keys[0], rows: [row.id])])
    #expect(try await replicas[other].offeredRows().isEmpty)
    #expect(try await replicas[owner].offeredRows().map(\.id) == [row.id])
    #expect(try await replicas[owner].offeredRows().isEmpty)

    try await replicas[other].offer([(key: keys[0], rows: [row.id])])
    let gone = replicas[owner].replica
    await replicas[owner].close()
    // As one that looked up the owner before it went, and comes too late.
    try await replicas.place.run(
      "INSERT INTO millrace.window_offer(owner, request_ids) VALUES (\(gone), '{\(row.id.rawValue)}')")
    #expect(try await replicas[other].takeOver(at: replicas.now).windows)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.window_offer") == 0)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.window_owner WHERE owner = \(gone)") == 0)
    #expect(try await replicas[other].runWindows([keys[0]]) == [keys[0]])
    await replicas.close()
  }

  @Test("a window of one that is gone is free before anybody has taken over")
  func freeWindow() async throws {
    let replicas = try await ReplicaSet(2, lease: .seconds(600))
    #expect(try await replicas[0].runWindows([TestLedger.key]) == [TestLedger.key])
    #expect(try await replicas[1].runWindows([TestLedger.key]).isEmpty)
    await replicas[0].close()
    #expect(try await replicas[1].runWindows([TestLedger.key]) == [TestLedger.key])
    await replicas.close()
  }
}
