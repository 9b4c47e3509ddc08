import BatchCore
import Testing

/// Whatever comes and goes: nothing is lost, a flow keeps its order, nobody starves, and those who wait all the time get
/// cost by weight within a turn and the largest element.
struct DeficitRoundRobinPropertyTests {
  @Test(arguments: 0..<40 as Range<UInt64>)
  func sharesFollowWeights(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let quantum = Int64.random(in: 1...2000, using: &random)
    var robin = DeficitRoundRobin<Int, Int64>(quantum: quantum, bound: 1 << 40)
    let flows = Int.random(in: 2...8, using: &random)
    let largest = Int64.random(in: 1...5000, using: &random)
    let weights = (0..<flows).map { _ in Int.random(in: 1...5, using: &random) }
    var served = [Int64](repeating: 0, count: flows)
    func fill(_ flow: Int) {
      let cost = Int64.random(in: 1...largest, using: &random)
      robin.append(cost, to: flow, weight: weights[flow], cost: cost)
    }
    for flow in 0..<flows { for _ in 0..<3 { fill(flow) } }
    for _ in 0..<5000 {
      guard let (flow, cost, _) = robin.first() else { break }
      _ = robin.popFirst()
      served[flow] += cost
      fill(flow)
      // What a flow got for its weight differs from what another got by no more than a turn and an element each.
      let shares = zip(served, weights).map { Double($0) / Double($1) }
      let bound = 2 * (Double(quantum) + Double(largest))
      #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= bound)
    }
  }

  @Test(arguments: 0..<60 as Range<UInt64>)
  func nothingIsLostAndOrderIsKept(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var robin = DeficitRoundRobin<Int, Int>(quantum: .random(in: 1...300, using: &random), bound: 1000)
    var waiting: [Int: [Int]] = [:]
    var next = 0
    var count: Int { waiting.values.reduce(0) { $0 + $1.count } }
    for _ in 0..<2000 {
      let flow = Int.random(in: 0..<12, using: &random)
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        robin.append(
          next, to: flow, weight: Int.random(in: 1...3, using: &random), cost: .random(in: 0...900, using: &random))
        waiting[flow, default: []].append(next)
        next += 1
      case 4..<8:
        let first = robin.first()
        let popped = robin.popFirst()
        #expect(popped == first?.element)
        #expect((popped == nil) == (count == 0))
        if let flow = first?.flow { #expect(waiting[flow]?.removeFirst() == popped) }
      case 8: #expect(robin.popLast(of: flow) == waiting[flow]?.popLast())
      default:
        let odd = Int.random(in: 2...5, using: &random)
        let out = robin.remove { $0.isMultiple(of: odd) }
        #expect(out.sorted() == waiting.values.joined().filter { $0.isMultiple(of: odd) }.sorted())
        for flow in waiting.keys { waiting[flow]?.removeAll { $0.isMultiple(of: odd) } }
      }
      robin.settle(flow, additional: .random(in: -500...500, using: &random))
      #expect(robin.count == count)
      #expect(robin.credit(of: flow) >= -1000)
    }
    while let (flow, element, _) = robin.first() {
      _ = robin.popFirst()
      #expect(waiting[flow]?.removeFirst() == element)
    }
    #expect(count == 0 && robin.isEmpty)
  }

  /// However much others bring, the first of a flow goes after what a round may cost.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func nobodyStarves(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var robin = DeficitRoundRobin<Int, Int>(quantum: 500, bound: 2000)
    robin.append(-1, to: -1, weight: 1, cost: 400)
    var steps = 0
    while robin.count(of: -1) > 0 {
      for _ in 0..<5 { robin.append(0, to: Int.random(in: 0..<6, using: &random), weight: 1, cost: 100) }
      _ = robin.popFirst()
      steps += 1
      if steps > 100 { break }
    }
    #expect(steps <= 6 * 10 + 1)
  }
}
