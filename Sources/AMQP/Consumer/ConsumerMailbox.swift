import Threading
import Wire

/// What passes between the tasks that use a consumer and the thread that runs it.
///
/// Deliveries go out, settlements and requests come in. Unread deliveries are at most as many as the prefetch.
final class ConsumerMailbox: Sendable {
  /// Something that the control task answers, in order.
  enum Request: Sendable {
    case barrier(OneShot<Bool>, generation: UInt64?)
    case queueInfo(OneShot<QueueInfo?>)

    func fail() {
      switch self {
      case .barrier(let answer, _): answer.succeed(false)
      case .queueInfo(let answer): answer.succeed(nil)
      }
    }
  }

  struct Incoming {
    var settlements: [Settlement] = []
    var requests: [Request] = []
    var paused = false
    var stopping = false
  }

  private struct Contents {
    var incoming = Incoming()
    var deliveries: [Delivery] = []
    var reader: CheckedContinuation<[Delivery]?, Never>?
    var deliveryEnded = false
    var thread: EventThread?
  }

  static let chunk = 64

  private let contents = Locked(Contents())

  // MARK: For tasks

  /// The next chunk, or `nil` when none will come any more.
  func next() async -> [Delivery]? {
    await withCheckedContinuation { continuation in
      let (answer, second) = contents.withLock { contents -> ([Delivery]??, Bool) in
        if contents.deliveryEnded { return (.some(nil), false) }
        if contents.deliveries.isEmpty {
          guard contents.reader == nil else { return (nil, true) }
          contents.reader = continuation
          return (nil, false)
        }
        return (Self.takeChunk(&contents.deliveries), false)
      }
      precondition(!second, "two tasks wait for the deliveries of one consumer")
      if let answer { continuation.resume(returning: answer) }
    }
  }

  private static func takeChunk(_ deliveries: inout [Delivery]) -> [Delivery] {
    if deliveries.count <= chunk {
      defer { deliveries = [] }
      return deliveries
    }
    defer { deliveries.removeFirst(chunk) }
    return Array(deliveries.prefix(chunk))
  }

  /// Returns false if nobody will ever write them.
  func settle(_ settlements: [Settlement]) -> Bool {
    guard !settlements.isEmpty else { return true }
    let thread = contents.withLock { contents in
      if contents.thread != nil { contents.incoming.settlements.append(contentsOf: settlements) }
      return contents.thread
    }
    thread?.wakeUp()
    return thread != nil
  }

  func ask(_ request: Request) {
    let running = contents.withLock { contents in
      guard contents.thread != nil else { return false }
      contents.incoming.requests.append(request)
      return true
    }
    if running { wake() } else { request.fail() }
  }

  func setPaused(_ paused: Bool) { post { $0.paused = paused } }

  /// No delivery is handed out any more; what is delivered and unread stays unacked.
  func endDeliveries() {
    let reader = contents.withLock { contents -> CheckedContinuation<[Delivery]?, Never>? in
      contents.deliveryEnded = true
      contents.deliveries = []
      defer { contents.reader = nil }
      return contents.reader
    }
    reader?.resume(returning: nil)
    wake()
  }

  func stop() {
    contents.withLock { $0.incoming.stopping = true }
    endDeliveries()
  }

  private func post(_ change: (inout Incoming) -> Void) {
    contents.withLock { change(&$0.incoming) }
    wake()
  }

  private func wake() { contents.withLock { $0.thread }?.wakeUp() }

  // MARK: For the thread

  func attach(_ thread: EventThread?) { contents.withLock { $0.thread = thread } }

  var isStopping: Bool { contents.withLock { $0.incoming.stopping } }
  var deliveryEnded: Bool { contents.withLock { $0.deliveryEnded } }

  /// Takes the settlements and requests, and looks at the switches.
  func takeIncoming() -> Incoming {
    contents.withLock { contents in
      defer {
        // The usual case is that there is nothing, and then nothing is released.
        if !contents.incoming.settlements.isEmpty { contents.incoming.settlements = [] }
        if !contents.incoming.requests.isEmpty { contents.incoming.requests = [] }
      }
      return contents.incoming
    }
  }

  func deliver(_ deliveries: [Delivery]) {
    let (reader, chunk) = contents.withLock { contents -> (CheckedContinuation<[Delivery]?, Never>?, [Delivery]) in
      guard !contents.deliveryEnded else { return (nil, []) }
      if contents.deliveries.isEmpty {
        contents.deliveries = deliveries
      } else {
        contents.deliveries.append(contentsOf: deliveries)
      }
      guard contents.reader != nil else { return (nil, []) }
      defer { contents.reader = nil }
      return (contents.reader, Self.takeChunk(&contents.deliveries))
    }
    reader?.resume(returning: chunk)
  }

  /// The channel is gone: what nobody has read yet will be delivered again.
  func dropUnread() { contents.withLock { $0.deliveries = [] } }

  func finish() {
    let requests = contents.withLock { contents in
      contents.thread = nil
      defer { contents.incoming.requests = [] }
      return contents.incoming.requests
    }
    for request in requests { request.fail() }
    endDeliveries()
  }
}
