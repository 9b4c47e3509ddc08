import Testing

@testable import LedgerPostgres

@Suite("Leases: the arithmetic", .timeLimit(.minutes(4)))
struct LeaseTests {
  private let start = ContinuousClock.now

  private func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

  @Test("a renewal counts from when it was asked for")
  func left() {
    var lease = Lease(duration: .seconds(30), takenAt: start)
    #expect(lease.interval == .seconds(10))
    #expect(lease.left(at: start) == .seconds(30))
    #expect(lease.left(at: at(29)) == .seconds(1))
    #expect(lease.left(at: at(30)) == .zero)
    #expect(lease.left(at: at(1000)) == .zero)
    lease.renewed(askedAt: at(10), answeredAt: at(14))
    #expect(lease.left(at: at(14)) == .seconds(26))
    // An answer to an older question gives nothing back.
    lease.renewed(askedAt: at(5), answeredAt: at(15))
    #expect(lease.left(at: at(15)) == .seconds(25))
    lease.lost()
    #expect(lease.left(at: at(15)) == .zero)
    #expect(!lease.mayJudge(at: at(15)))
  }

  @Test("who was cut off from the server judges nobody until everybody had the time to come back")
  func judging() {
    var lease = Lease(duration: .seconds(30), takenAt: start)
    #expect(!lease.mayJudge(at: at(19)))
    lease.renewed(askedAt: at(10), answeredAt: at(10))
    lease.renewed(askedAt: at(20), answeredAt: at(20))
    #expect(lease.mayJudge(at: at(20)))
    #expect(lease.mayJudge(at: at(49)))
    #expect(!lease.mayJudge(at: at(50)))
    // Back after an outage.
    lease.renewed(askedAt: at(60), answeredAt: at(60))
    #expect(!lease.mayJudge(at: at(60)))
    lease.renewed(askedAt: at(70), answeredAt: at(70))
    #expect(!lease.mayJudge(at: at(79)))
    #expect(lease.mayJudge(at: at(80)))
    // An answer that took long is an outage, too.
    lease.renewed(askedAt: at(80), answeredAt: at(95))
    #expect(!lease.mayJudge(at: at(95)))
  }

  private func other(_ id: Int64, _ renewals: Int64, lease: Duration = .seconds(30)) -> ReplicaStatements.Other {
    ReplicaStatements.Other(id: id, process: ProcessIdentity(text: "test"), renewals: renewals, lease: lease)
  }

  @Test("silent is whose count stood still for a whole lease of its own")
  func silence() {
    var silences = Silences()
    #expect(silences.observe([other(1, 5), other(2, 5, lease: .seconds(60))], mayJudge: true, at: at(0)).isEmpty)
    #expect(silences.observe([other(1, 5), other(2, 5, lease: .seconds(60))], mayJudge: true, at: at(29.9)).isEmpty)
    #expect(silences.observe([other(1, 5), other(2, 5, lease: .seconds(60))], mayJudge: true, at: at(30)) == [1])
    #expect(!silences.isStuck(other(1, 5), at: at(59.9)))
    #expect(silences.isStuck(other(1, 5), at: at(60)))
    #expect(!silences.isStuck(other(1, 6), at: at(60)))
    #expect(!silences.isStuck(other(3, 5), at: at(60)))
    // A renewal begins it anew.
    #expect(silences.observe([other(1, 6)], mayJudge: true, at: at(60)).isEmpty)
    #expect(silences.observe([other(1, 6)], mayJudge: true, at: at(89)).isEmpty)
    #expect(silences.observe([other(1, 6)], mayJudge: true, at: at(90)) == [1])
    // One that was not there meanwhile counts from its return.
    #expect(silences.observe([other(2, 5)], mayJudge: true, at: at(91)).isEmpty)
    #expect(silences.observe([other(1, 6), other(2, 5)], mayJudge: true, at: at(100)).isEmpty)
  }

  @Test("silence before this process was cut off counts for nothing")
  func silenceAndOutage() {
    var silences = Silences()
    #expect(silences.observe([other(1, 5)], mayJudge: true, at: at(0)).isEmpty)
    #expect(silences.observe([other(1, 5)], mayJudge: false, at: at(40)).isEmpty)
    #expect(silences.observe([other(1, 5)], mayJudge: true, at: at(41)).isEmpty)
    #expect(silences.observe([other(1, 5)], mayJudge: true, at: at(70)).isEmpty)
    #expect(silences.observe([other(1, 5)], mayJudge: true, at: at(71)) == [1])
  }

  @Test("numbers rise, and a block is fetched when the one before is used up")
  func numbers() {
    var block = NumberBlock()
    var fetched: [Int64] = []
    var sequence: [Int64] = [1, 5121]
    let numbers = (0..<Int(NumberBlock.size) + 2).map { _ in
      block.next {
        let start = sequence.removeFirst()
        fetched.append(start)
        return start
      }
    }
    #expect(Array(numbers.prefix(2)) == [1, 2])
    #expect(Array(numbers.suffix(3)) == [1024, 5121, 5122])
    #expect(fetched == [1, 5121])
  }

  @Test("a block that could not be fetched is fetched again")
  func failedFetch() throws {
    struct Away: Error {}
    var block = NumberBlock()
    #expect(throws: Away.self) { try block.next { throw Away() } }
    #expect(block.next { 7 } == 7)
  }
}
