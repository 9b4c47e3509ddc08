import Threading
import Wire

/// What passes from the tasks that publish to the thread that writes.
final class PublisherMailbox: Sendable {
  struct Request: Sendable {
    var messages: [OutboundMessage]
    var done: OneShot<[PublishOutcome]>
  }

  private struct Contents {
    var requests: [Request] = []
    var stopping = false
    var finished = false
    var thread: EventThread?
  }

  private let contents = Locked(Contents())

  /// Returns false if nobody will ever write it.
  func post(_ request: Request) -> Bool {
    let (accepted, thread) = contents.withLock { contents -> (Bool, EventThread?) in
      guard !contents.stopping, !contents.finished else { return (false, nil) }
      contents.requests.append(request)
      return (true, contents.thread)
    }
    thread?.wakeUp()
    return accepted
  }

  func stop() {
    let thread = contents.withLock { contents in
      contents.stopping = true
      return contents.thread
    }
    thread?.wakeUp()
  }

  var isStopping: Bool { contents.withLock { $0.stopping } }

  func attach(_ thread: EventThread) { contents.withLock { $0.thread = thread } }

  func take() -> [Request] {
    contents.withLock { contents in
      guard !contents.requests.isEmpty else { return [] }
      defer { contents.requests = [] }
      return contents.requests
    }
  }

  /// Nothing is accepted any more. Returns what was never taken.
  func finish() -> [Request] {
    contents.withLock { contents in
      contents.finished = true
      contents.thread = nil
      defer { contents.requests = [] }
      return contents.requests
    }
  }
}
