import BatchCore
import Ledger
import TestSupport
import Testing

@testable import LedgerPostgres

@Suite("Postgres ledger: shares of tenants", .timeLimit(.minutes(3)), .serialized)
struct FairnessTests {
  private static let line = ParkedLine(route: ReplicaSet.route, callClass: .deferred)

  private func park(_ replicas: ReplicaSet, _ tenant: String, _ count: Int) async throws {
    let requests = (0..<count).map { number in
      TestDelivery("\(tenant) \(number)") {
        $0.lane = .interactive
        $0.tenant = tenant
      }.request(at: replicas.now)
    }
    _ = try await replicas[0].admit(requests, at: replicas.now)
  }

  @Test("replicas that claim by turns give each tenant its share together")
  func twoReplicas() async throws {
    let replicas = try await ReplicaSet(2)
    try await park(replicas, "noisy", 500)
    try await park(replicas, "quiet", 20)
    var calls: [ParkedCall] = []
    for round in 0..<12 {
      calls += try await replicas[round % 2].takeParked(
        ParkedClaim(line: Self.line, limit: 3), at: replicas.now
      ).calls
    }
    #expect(calls.count == 36)
    // All of a tenant's rows cost the same, so it is half of the rows while both have some.
    #expect((17...19).contains(calls.count { $0.tenant == "quiet" }))
    await replicas.close()
  }

  @Test("replicas that claim at once take no row twice and leave none")
  func atOnce() async throws {
    let replicas = try await ReplicaSet(2)
    for tenant in 0..<20 { try await park(replicas, "tenant \(tenant)", 10) }
    let calls = try await withThrowingTaskGroup(of: [RequestID].self) { group in
      for index in 0..<2 {
        group.addTask {
          var calls: [RequestID] = []
          var hasMore = true
          while hasMore {
            let taken = try await replicas[index].takeParked(
              ParkedClaim(line: Self.line, limit: 6), at: replicas.now)
            calls += taken.calls.map(\.id)
            hasMore = taken.isMore
          }
          return calls
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(calls.count == 200 && Set(calls).count == 200)
    #expect(try await replicas.number("SELECT count(*) FROM millrace.tenant_share") == 0)
    await replicas.close()
  }

  @Test("rows that are claimed in the commit that admits them come with their bodies")
  func inOneCommit() async throws {
    let replicas = try await ReplicaSet(1)
    let calls = try await withThrowingTaskGroup(of: [ParkedCall].self) { group in
      for number in 0..<200 {
        group.addTask {
          try await park(replicas, "tenant \(number)", 1)
          return []
        }
        group.addTask {
          try await replicas[0].takeParked(ParkedClaim(line: Self.line, limit: 9), at: replicas.now).calls
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    let rest = try await replicas[0].takeParked(ParkedClaim(line: Self.line, limit: 200), at: replicas.now).calls
    #expect((calls + rest).count == 200)
    #expect(calls.allSatisfy { !$0.body.bytes.isEmpty })
    await replicas.close()
  }

  @Test("tables of version 1 get what later versions added")
  func migration() async throws {
    let place = try await PostgresPlace()
    try await place.run(
      """
      CREATE SCHEMA millrace;
      CREATE TABLE millrace.meta(name text PRIMARY KEY, value bigint NOT NULL);
      SET search_path = millrace;
      \(Schema.steps[0])
      INSERT INTO meta(name, value) VALUES ('version', 1);
      INSERT INTO model(name) VALUES ('gpt-4o-mini');
      INSERT INTO route(provider, model) VALUES ('\(Self.line.route.provider)', '\(Self.line.route.model)');
      INSERT INTO request(id, call_key, ordinal, kind, state, custody, lane, endpoint, model, route, tokens, body_bytes,
        model_offset, model_length, received_at, not_before, attempt_no, attempts, flags, ledger_id, body_hash, tenant)
      VALUES (7, '\\x01', 0, 0, 1, 1, 0, 1, 1, 1, 5, 2, 0, 0, 1, 1, 0, 0, 0, decode(repeat('01', 16), 'hex'),
        decode(repeat('01', 32), 'hex'), 'a');
      INSERT INTO body(request_id, bytes) VALUES (7, '\\x7b7d')
      """)
    let ledger = try await onThread { try place.open() }
    let calls = try await ledger.takeParked(
      provider: Self.line.route.provider, model: Self.line.route.model, limit: 9,
      at: Timestamp(milliseconds: 1_700_000_000_000))
    #expect(calls.map(\.id) == [RequestID(7)] && calls.first?.tenant == "a")
    await ledger.close()
  }
}
