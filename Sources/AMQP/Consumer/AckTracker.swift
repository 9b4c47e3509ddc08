import Wire

/// The deliveries of one channel that are not settled yet, and which acks and nacks settle a list of them.
///
/// A tag that was settled, or that this channel never delivered, yields no action: the broker would close the channel
/// for it and deliver everything again. Pure; one value a channel.
struct AckTracker {
  /// What to write, in order.
  enum Action: Equatable {
    case ack(tag: UInt64, multiple: Bool)
    case nack(tag: UInt64, requeue: Bool)
  }

  /// What became of the tokens that named no outstanding delivery.
  struct Dropped: Equatable {
    var stale: UInt64 = 0
    var double: UInt64 = 0
  }

  let generation: UInt64
  private(set) var outstandingBytes = 0
  private(set) var outstanding = 0

  /// The size of each delivery from `first` on; `nil` once settled.
  private var sizes: [Int?] = []
  private var head = 0
  private var first: UInt64 = 1

  init(generation: UInt64) {
    self.generation = generation
  }

  /// - Parameter tag: One more than the last, as every broker counts.
  mutating func delivered(tag: UInt64, size: Int) throws(AMQPError) {
    guard tag == next else {
      throw AMQPError(.malformed, "the broker sent delivery tag \(tag) where \(next) follows")
    }
    sizes.append(size)
    outstanding += 1
    outstandingBytes += size
  }

  /// The tag of the latest delivery; 0 before the first.
  var latest: UInt64 { next - 1 }

  /// Whether a delivery with a tag in the range is not settled.
  func isOutstanding(in tags: ClosedRange<UInt64>) -> Bool {
    sizes[head...].indices.contains { sizes[$0] != nil && tags.contains(first + UInt64($0 - head)) }
  }

  private var next: UInt64 { first + UInt64(sizes.count - head) }

  /// Settles what the list names. Acks that reach back to the oldest outstanding delivery become one `multiple` ack;
  /// nacks are written before it, so that it settles nothing but acked ones.
  mutating func settle(_ settlements: [Settlement]) -> (actions: [Action], dropped: Dropped) {
    var actions: [Action] = []
    var acks: [UInt64] = []
    var dropped = Dropped()
    for settlement in settlements {
      let tag = settlement.token.tag
      guard settlement.token.generation == generation else {
        dropped.stale += 1
        continue
      }
      guard tag >= first, tag < next, let size = sizes[head + Int(tag - first)] else {
        dropped.double += 1
        continue
      }
      sizes[head + Int(tag - first)] = nil
      outstanding -= 1
      outstandingBytes -= size
      switch settlement.verdict {
      case .ack: acks.append(tag)
      case .discard: actions.append(.nack(tag: tag, requeue: false))
      case .requeue: actions.append(.nack(tag: tag, requeue: true))
      }
    }
    advance()

    // All below `first` are settled now, by this list or before.
    let run = acks.lazy.filter { [first] in $0 < first }
    if let last = run.max() { actions.append(.ack(tag: last, multiple: run.count > 1)) }
    for tag in acks where tag >= first { actions.append(.ack(tag: tag, multiple: false)) }
    return (actions, dropped)
  }

  private mutating func advance() {
    while head < sizes.count, sizes[head] == nil {
      head += 1
      first += 1
    }
    if head == sizes.count || head > 4096 {
      sizes.removeSubrange(..<head)
      head = 0
    }
  }
}
