import BatchCore
import Ledger
import TestSupport

@testable import Worker

/// A queue at a broker that loses acks, the rows of its messages, and two services: one that watches over marks, and another.
struct MarkedQueue {
  /// A channel of a service with what the broker waits for.
  private struct Consumer {
    var generation: Int64
    var unacked: [Unacked] = []
    /// When the broker will see that the connection is gone; set when an ack is lost.
    var endsAt: Timestamp?
  }

  private struct Unacked {
    var message: Int
    var redelivered: Bool
    var since: Timestamp
    var isTaken = false
  }

  /// Those whose marks ended while their messages could still come.
  private(set) var wrong: [Int] = []
  private(set) var removed = 0
  private var random: SplitMix
  private var now = Timestamp(milliseconds: 0)
  private var published = 0
  private var queue: [Int] = []
  private var returned: [Int] = []
  private var consumers = [Consumer(generation: 0), Consumer(generation: 1)]
  private var generations: Int64 = 2
  /// The marks of messages that have a row, by message.
  private var marks: [Int: Int64] = [:]
  private var expiry = MarkExpiry()
  /// What the other service was handed out and lost: it does so once with each.
  private var lost: Set<Int> = []

  private static let heartbeats = Duration.seconds(180)
  private static let consumerTimeout = Duration.seconds(1800)

  init(seed: UInt64) {
    random = SplitMix(state: seed)
  }

  mutating func move() {
    now = now + .seconds(Int.random(in: 0..<200, using: &random))
    endChannels()
    switch Int.random(in: 0..<20, using: &random) {
    case 0..<6:
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        published += 1
        queue.append(published)
      }
    case 6..<12: deliver(to: Int.random(in: 0...1, using: &random))
    case 12..<17: take(at: 0)
    case 17..<19: take(at: 1)
    default: if Int.random(in: 0..<20, using: &random) == 0 { cut(Int.random(in: 0...1, using: &random)) }
    }
    switch expiry.step(at: now) {
    case nil: break
    case .read: expiry.found(marks.map { AckMark(id: RequestID(Int64($0.key)), generation: $0.value) })
    case .remove(let ended): for mark in ended { remove(mark) }
    }
  }

  private mutating func remove(_ mark: AckMark) {
    let message = Int(mark.id.rawValue)
    guard marks[message] == mark.generation else { return }
    marks[message] = nil
    removed += 1
    let isHeld = consumers.contains { $0.unacked.contains { $0.message == message } }
    if isHeld || returned.contains(message) { wrong.append(message) }
  }

  private mutating func endChannels() {
    for index in consumers.indices {
      let isLate = consumers[index].unacked.contains { now - $0.since >= Self.consumerTimeout }
      if isLate || consumers[index].endsAt.map({ $0 <= now }) == true { cut(index) }
    }
  }

  private mutating func cut(_ index: Int) {
    if index == 1, consumers[1].unacked.contains(where: { lost.contains($0.message) }) { take(at: 1) }
    let redelivered = consumers[index].unacked.count { $0.redelivered && !$0.isTaken }
    if index == 0 { expiry.taken(redelivered: redelivered) }
    returned = (returned + consumers[index].unacked.map(\.message)).sorted()
    if index == 1 { lost.formUnion(consumers[index].unacked.filter { !$0.isTaken }.map(\.message)) }
    consumers[index] = Consumer(generation: generations)
    generations += 1
  }

  private mutating func deliver(to index: Int) {
    var chunk: [Unacked] = []
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      if let message = returned.first {
        returned.removeFirst()
        chunk.append(Unacked(message: message, redelivered: true, since: now))
      } else if !queue.isEmpty {
        chunk.append(Unacked(message: queue.removeFirst(), redelivered: false, since: now))
      }
    }
    consumers[index].unacked += chunk
    if index == 0, !chunk.isEmpty {
      let redelivered = chunk.count(where: \.redelivered)
      expiry.arrived(
        on: UInt64(consumers[0].generation), fresh: chunk.count - redelivered, redelivered: redelivered, at: now)
    }
  }

  /// A service takes in what it was handed out, and acks it.
  private mutating func take(at index: Int) {
    var kept: [Unacked] = []
    for var delivery in consumers[index].unacked {
      if delivery.isTaken {
        kept.append(delivery)
        continue
      }
      if index == 0, delivery.redelivered { expiry.taken(redelivered: 1) }
      marks[delivery.message] = consumers[index].generation
      lost.remove(delivery.message)
      switch Int.random(in: 0..<10, using: &random) {
      case 0:
        // The ack is lost, and the connection with it.
        delivery.isTaken = true
        kept.append(delivery)
        consumers[index].endsAt = consumers[index].endsAt ?? now + Self.heartbeats
      case 1: break  // Processed, though nobody knows.
      default: marks[delivery.message] = nil
      }
    }
    consumers[index].unacked = kept
  }
}
