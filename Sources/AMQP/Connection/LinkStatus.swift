import Threading

/// The state and the counters of a link, readable from anywhere while its thread writes them.
final class LinkStatus: Sendable {
  private struct Contents {
    var state = LinkState.stopped
    var counters = LinkCounters()
    var subscribers: [UInt64: AsyncStream<LinkState>.Continuation] = [:]
    var nextSubscriber: UInt64 = 0
    var finished = false
  }

  private let contents = Locked(Contents())

  var state: LinkState { contents.withLock { $0.state } }
  var counters: LinkCounters { contents.withLock { $0.counters } }

  func set(_ state: LinkState) {
    let changed = contents.withLock { contents -> [AsyncStream<LinkState>.Continuation] in
      guard contents.state != state else { return [] }
      contents.state = state
      return Array(contents.subscribers.values)
    }
    for subscriber in changed { subscriber.yield(state) }
  }

  func count(_ change: (inout LinkCounters) -> Void) {
    contents.withLock { change(&$0.counters) }
  }

  /// Every subscriber has a stream of its own, which starts with the present state and keeps only the newest one.
  func updates() -> AsyncStream<LinkState> {
    let (stream, continuation) = AsyncStream.makeStream(of: LinkState.self, bufferingPolicy: .bufferingNewest(1))
    let (state, id, finished) = contents.withLock { contents in
      let id = contents.nextSubscriber
      contents.nextSubscriber += 1
      if !contents.finished { contents.subscribers[id] = continuation }
      return (contents.state, id, contents.finished)
    }
    continuation.yield(state)
    if finished {
      continuation.finish()
    } else {
      continuation.onTermination = { [weak self] _ in
        self?.contents.withLock { $0.subscribers[id] = nil }
      }
    }
    return stream
  }

  /// The last state, after which all streams end.
  func finish() {
    set(.stopped)
    let subscribers = contents.withLock { contents in
      contents.finished = true
      defer { contents.subscribers = [:] }
      return Array(contents.subscribers.values)
    }
    for subscriber in subscribers { subscriber.finish() }
  }
}
