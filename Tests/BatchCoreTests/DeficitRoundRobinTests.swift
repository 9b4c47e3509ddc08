import BatchCore
import Testing

struct DeficitRoundRobinTests {
  private typealias Robin = DeficitRoundRobin<String, Int>

  private static func robin(quantum: Int64 = 100) -> Robin { Robin(quantum: quantum, bound: 10_000) }

  @Test func aFlowThatIsAloneGetsEverythingInOrder() {
    var robin = Self.robin()
    for number in 0..<50 { robin.append(number, to: "a", weight: 1, cost: 5000) }
    #expect((0..<50).map { _ in robin.popFirst() } == Array(0..<50))
    #expect(robin.popFirst() == nil && robin.isEmpty)
  }

  @Test func whatIsNotTakenKeepsItsTurn() {
    var robin = Self.robin()
    robin.append(1, to: "a", weight: 1, cost: 100)
    robin.append(2, to: "b", weight: 1, cost: 100)
    for _ in 0..<5 { #expect(robin.first()?.element == 1) }
    #expect(robin.credit(of: "a") == 100)
    #expect(robin.popFirst() == 1 && robin.popFirst() == 2)
  }

  @Test func aFewWaitBehindTheirOwnOnly() {
    var robin = Self.robin()
    for number in 0..<1000 { robin.append(number, to: "noisy", weight: 1, cost: 100) }
    robin.append(-1, to: "quiet", weight: 1, cost: 100)
    let place = (0..<1000).first { _ in robin.popFirst() == -1 }
    #expect((place ?? .max) <= 1)
  }

  @Test func whoDoesNotWaitSavesNothingUp() {
    var robin = Self.robin(quantum: 1000)
    robin.append(1, to: "a", weight: 1, cost: 1)
    robin.append(2, to: "b", weight: 1, cost: 1)
    #expect(robin.popFirst() == 1)
    #expect(robin.credit(of: "a") == 0)
  }

  @Test func aDebtIsPaidBeforeTheNextTurn() {
    var robin = Self.robin()
    for number in 0..<20 {
      robin.append(number, to: "a", weight: 1, cost: 100)
      robin.append(100 + number, to: "b", weight: 1, cost: 100)
    }
    #expect(robin.popFirst() == 0)
    // It cost six times as much.
    robin.settle("a", additional: 500)
    let next = (0..<12).compactMap { _ in robin.popFirst() }
    #expect(next.prefix(5).allSatisfy { $0 >= 100 })
    #expect((3...4).contains(next.count { $0 < 100 }))
  }

  @Test func aDebtIsRememberedWhileOthersWaitOnly() {
    var robin = Self.robin()
    for number in 0..<9 { robin.append(number, to: "b", weight: 1, cost: 100) }
    robin.append(-1, to: "a", weight: 1, cost: 100)
    while robin.count(of: "a") > 0 { _ = robin.popFirst() }
    robin.settle("a", additional: .max)
    #expect(robin.credit(of: "a") == -10_000)
    robin.append(-2, to: "a", weight: 1, cost: 100)
    #expect(robin.credit(of: "a") == -10_000)
    while robin.popFirst() != nil {}
    robin.append(-3, to: "a", weight: 1, cost: 100)
    #expect(robin.credit(of: "a") == 0)
  }

  @Test func whatWasThereBeforeGoesAhead() {
    var robin = Self.robin()
    robin.append(2, to: "a", weight: 1, cost: 1)
    robin.append(1, to: "a", weight: 1, cost: 1, ahead: true)
    robin.append(3, to: "a", weight: 1, cost: 1)
    #expect(robin.popLast(of: "a") == 3)
    #expect(robin.popFirst() == 1 && robin.popFirst() == 2)
  }
}
