/// Deficit round robin: flows that wait take turns, and each gets its share of the cost by its weight.
///
/// A flow's turn adds `quantum` times its weight to its credit, and lasts while the credit pays for its first element. What
/// is left of the credit stays for its next turn, but not when the flow has nothing left: who does not wait saves nothing
/// up. A debt, from elements that cost more than was estimated, is remembered while others wait, up to a bound. Where no
/// flow can pay, as many rounds pass at once as the first of them needs, so that a flow which is alone gets everything.
///
/// `first` names the element whose turn it is and `popFirst` takes it, so that one which cannot go yet keeps its turn. Both
/// take constant time, averaged, unless costs are far above the quantum.
public struct DeficitRoundRobin<Flow: Hashable, Element> {
  private struct Item {
    var element: Element
    var cost: Int64
  }

  private struct Queue {
    /// Goes before the rest.
    var ahead = FIFO<Item>()
    var rest = FIFO<Item>()
    var weight: Int64
    var credit: Int64
    var hasTurn = false

    var count: Int { ahead.count + rest.count }
    var first: Item? { ahead.first ?? rest.first }
  }

  /// What a turn adds to the credit of a flow of weight 1.
  public let quantum: Int64
  /// No flow owes more, nor keeps more credit than this and a turn.
  public let bound: Int64
  private var queues: [Flow: Queue] = [:]
  /// Every flow that has a queue, once; the first has its turn. A queue that became empty out of turn stays until then.
  private var ring = FIFO<Flow>()
  /// Of flows that wait no longer while others do.
  private var debts: [Flow: Int64] = [:]
  public private(set) var count = 0

  private static var rememberedDebts: Int { 4096 }

  public init(quantum: Int64, bound: Int64) {
    self.quantum = max(1, quantum)
    self.bound = max(1, bound)
  }

  public var isEmpty: Bool { count == 0 }

  /// Flows that wait, with how many elements; in no order.
  public var flows: [(flow: Flow, count: Int, weight: Int)] {
    queues.lazy.filter { $0.value.count > 0 }.map { ($0.key, $0.value.count, Int($0.value.weight)) }
  }

  public func count(of flow: Flow) -> Int { queues[flow]?.count ?? 0 }

  // MARK: In and out

  /// - Parameter ahead: Whether it goes before what was put in without, as one that was there earlier does.
  public mutating func append(_ element: Element, to flow: Flow, weight: Int, cost: Int64, ahead: Bool = false) {
    count += 1
    if queues[flow] == nil {
      queues[flow] = Queue(weight: 1, credit: debts.removeValue(forKey: flow) ?? 0)
      ring.append(flow)
    }
    queues[flow]?.weight = Int64(max(1, weight))
    let item = Item(element: element, cost: max(1, cost))
    if ahead { queues[flow]?.ahead.append(item) } else { queues[flow]?.rest.append(item) }
  }

  /// The element whose turn it is.
  public mutating func first() -> (flow: Flow, element: Element, cost: Int64)? {
    var passed = 0
    while let flow = ring.first {
      guard let item = queues[flow]?.first else {
        _ = ring.popFirst()
        drop(flow)
        continue
      }
      if queues[flow]?.hasTurn == false { beginTurn(of: flow) }
      if (queues[flow]?.credit ?? 0) >= item.cost { return (flow, item.element, item.cost) }
      queues[flow]?.hasTurn = false
      if let flow = ring.popFirst() { ring.append(flow) }
      passed += 1
      if passed >= ring.count {
        skipRounds()
        passed = 0
      }
    }
    return nil
  }

  /// Takes the element whose turn it is, and its cost from its flow's credit.
  public mutating func popFirst() -> Element? {
    guard let (flow, _, cost) = first() else { return nil }
    let item = queues[flow]?.ahead.popFirst() ?? queues[flow]?.rest.popFirst()
    queues[flow]?.credit -= cost
    count -= 1
    if queues[flow]?.count == 0 {
      _ = ring.popFirst()
      drop(flow)
    }
    return item?.element
  }

  /// Takes the element of the flow that would go last of those that meet the condition.
  public mutating func popLast(of flow: Flow, where isWanted: (Element) -> Bool = { _ in true }) -> Element? {
    let last = queues[flow]?.rest.popLast { isWanted($0.element) }
    guard let item = last ?? queues[flow]?.ahead.popLast(where: { isWanted($0.element) }) else { return nil }
    count -= 1
    forget(flow)
    tidy()
    return item.element
  }

  /// Takes out what meets the condition, whoever's turn it is.
  public mutating func remove(where isOut: (Element) -> Bool) -> [Element] {
    var out: [Element] = []
    for flow in Array(queues.keys) {
      out += queues[flow]?.ahead.remove { isOut($0.element) }.map(\.element) ?? []
      out += queues[flow]?.rest.remove { isOut($0.element) }.map(\.element) ?? []
      forget(flow)
    }
    count -= out.count
    tidy()
    return out
  }

  // MARK: Credit

  /// Corrects a flow's credit by what an element cost more, or less, than was estimated.
  public mutating func settle(_ flow: Flow, additional cost: Int64) {
    if let queue = queues[flow] {
      let limit = max(queue.credit, quantum * queue.weight)
      queues[flow]?.credit = min(limit, max(-bound, queue.credit.subtractingSaturating(cost)))
    } else if !isEmpty, cost > 0 {
      owe(flow, max(-bound, (debts[flow] ?? 0).subtractingSaturating(cost)))
    }
  }

  /// Credit that a flow has, below zero a debt.
  public func credit(of flow: Flow) -> Int64 { queues[flow]?.credit ?? debts[flow] ?? 0 }

  /// Goes on from an earlier state: the flow must be waiting.
  ///
  /// - Parameter hasTurn: Whether its turn had begun; only of the flow that was put in first.
  public mutating func resume(_ flow: Flow, credit: Int64, hasTurn: Bool) {
    queues[flow]?.credit = min(max(-bound, credit), bound.addingSaturating(quantum))
    queues[flow]?.hasTurn = hasTurn
  }

  /// Whose turn is next or under way.
  public var turn: (flow: Flow, hasBegun: Bool)? {
    ring.first.map { ($0, queues[$0]?.hasTurn ?? false) }
  }

  private mutating func beginTurn(of flow: Flow) {
    guard let queue = queues[flow] else { return }
    queues[flow]?.credit = queue.credit.addingSaturating(quantum * queue.weight)
    queues[flow]?.hasTurn = true
  }

  /// Nobody could pay in a whole round. Further rounds pass for all until somebody will in the next.
  private mutating func skipRounds() {
    let rounds = queues.values.compactMap { queue -> Int64? in
      guard let item = queue.first else { return nil }
      let turn = quantum * queue.weight
      return max(0, (item.cost - queue.credit + turn - 1) / turn - 1)
    }
    guard let rounds = rounds.min(), rounds > 0 else { return }
    for flow in queues.keys {
      guard let queue = queues[flow], queue.count > 0 else { continue }
      queues[flow]?.credit = queue.credit + rounds * quantum * queue.weight
    }
  }

  // MARK: Ends

  private mutating func drop(_ flow: Flow) {
    guard let queue = queues.removeValue(forKey: flow) else { return }
    if queues.isEmpty || count == 0 {
      debts.removeAll()
    } else if queue.credit < 0 {
      owe(flow, queue.credit)
    }
  }

  private mutating func owe(_ flow: Flow, _ debt: Int64) {
    if debts.count >= Self.rememberedDebts { debts.removeAll() }
    debts[flow] = debt
  }

  /// Takes the credit of a flow that has nothing left.
  private mutating func forget(_ flow: Flow) {
    guard let queue = queues[flow], queue.count == 0 else { return }
    queues[flow]?.credit = min(0, queue.credit)
    queues[flow]?.hasTurn = false
  }

  /// Drops queues that became empty out of turn, when there are as many of them as others.
  private mutating func tidy() {
    let waiting = queues.values.count { $0.count > 0 }
    guard count == 0 || queues.count > 2 * waiting + 16 else { return }
    let empty = Set(queues.filter { $0.value.count == 0 }.keys)
    _ = ring.remove { empty.contains($0) }
    for flow in empty { drop(flow) }
  }
}

extension Int64 {
  fileprivate func addingSaturating(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  fileprivate func subtractingSaturating(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }
}
