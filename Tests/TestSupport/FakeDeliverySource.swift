public import BatchCore
import Threading
public import Wire
public import Worker

/// A request queue and its consumer, in memory. What is not settled when it stops is delivered again by its successor.
public final class FakeDeliverySource: DeliverySource {
  private struct State {
    var generation: UInt64 = 1
    var nextTag: UInt64 = 0
    var waiting: [Delivery] = []
    /// Delivered or waiting, and not settled, by tag.
    var unsettled: [UInt64: Delivery] = [:]
    var settlements: [Settlement] = []
    var barrier = true
    var barriers = 0
    var isStopped = false
    var reader: CheckedContinuation<[Delivery]?, Never>?
  }

  public let lane: Lane
  /// Shut, it holds every barrier.
  public let barrierGate = Gate()
  private let state = Locked(State())
  private static let chunk = 256

  public init(lane: Lane) {
    self.lane = lane
  }

  // MARK: For the worker

  public func next() async -> [Delivery]? {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state -> [Delivery]?? in
        if state.isStopped { return .some(nil) }
        if let chunk = Self.takeChunk(&state) { return chunk }
        precondition(state.reader == nil, "two tasks wait for the deliveries of one source")
        state.reader = continuation
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  public func settle(_ settlements: [Settlement]) {
    state.withLock { state in
      // As with a real channel: what an earlier one delivered cannot be settled any more.
      for settlement in settlements where settlement.token.generation == state.generation {
        state.settlements.append(settlement)
        state.unsettled[settlement.token.tag] = nil
      }
    }
  }

  public func isOpen(_ generation: UInt64) -> Bool { state.withLock { $0.generation == generation } }

  public func barrier(of generation: UInt64) async -> Bool {
    state.withLock { $0.barriers += 1 }
    await barrierGate.pass()
    return state.withLock { $0.barrier && generation == $0.generation }
  }

  public func stop() async {
    let reader = state.withLock { state in
      state.isStopped = true
      return state.reader.take()
    }
    reader?.resume(returning: nil)
  }

  private static func takeChunk(_ state: inout State) -> [Delivery]? {
    if state.waiting.isEmpty { return nil }
    let chunk = Array(state.waiting.prefix(Self.chunk))
    state.waiting.removeFirst(chunk.count)
    return chunk
  }

  // MARK: For the test

  /// Puts messages into the queue; their tokens are given here. They are delivered together, as far as a chunk goes.
  public func push(_ deliveries: [Delivery]) {
    let (reader, chunk) = state.withLock { state -> (CheckedContinuation<[Delivery]?, Never>?, [Delivery]?) in
      for var delivery in deliveries {
        state.nextTag += 1
        delivery.token = DeliveryToken(generation: state.generation, tag: state.nextTag)
        state.unsettled[state.nextTag] = delivery
        state.waiting.append(delivery)
      }
      guard let reader = state.reader, let chunk = Self.takeChunk(&state) else { return (nil, nil) }
      state.reader = nil
      return (reader, chunk)
    }
    reader?.resume(returning: chunk)
  }

  /// As after a lost connection: everything that is not settled comes again, on a channel of its own.
  public func reconnect() { redeliver(to: self) }

  /// As after a restart of the process: another consumer gets what this one did not settle.
  public func successor() -> FakeDeliverySource {
    let successor = FakeDeliverySource(lane: lane)
    let generation = state.withLock { $0.generation }
    successor.state.withLock { $0.generation = generation }
    redeliver(to: successor)
    return successor
  }

  private func redeliver(to source: FakeDeliverySource) {
    let deliveries = state.withLock { state in
      defer {
        state.unsettled = [:]
        state.waiting = []
        state.generation += 1
      }
      return state.unsettled.sorted { $0.key < $1.key }.map(\.value)
    }
    let generation = state.withLock { $0.generation }
    source.state.withLock { $0.generation = generation }
    source.push(
      deliveries.map { delivery in
        var delivery = delivery
        delivery.redelivered = true
        return delivery
      })
  }

  /// What the next barriers answer.
  public func setBarrier(_ holds: Bool) { state.withLock { $0.barrier = holds } }

  public var barriers: Int { state.withLock { $0.barriers } }
  public var settlements: [Settlement] { state.withLock { $0.settlements } }
  public var unsettled: [Delivery] {
    state.withLock { state in state.unsettled.sorted { $0.key < $1.key }.map(\.value) }
  }

  public func count(_ verdict: Settlement.Verdict) -> Int {
    state.withLock { state in state.settlements.count { $0.verdict == verdict } }
  }
}
