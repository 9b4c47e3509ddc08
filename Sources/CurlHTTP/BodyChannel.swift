import Threading

/// Hands the bytes of a streamed response from the client's thread to one consumer, and holds back the sender.
final class BodyChannel: Sendable {
  /// What the consumer finds.
  enum Item: Sendable {
    case chunk([UInt8])
    case end(HTTPError?)
  }

  private struct State {
    var buffer: [UInt8] = []
    var end: Item?
    var waiter: OneShot<Void>?
    var paused = false
  }

  /// Beyond it the transfer is paused. libcurl hands over at most 16 KiB at a time.
  static let highWater = 256 << 10

  private let state = Locked(State())

  /// Takes bytes, unless the consumer is behind: then the transfer must pause until `take` says otherwise.
  func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let (accepted, waiter) = state.withLock { state -> (Bool, OneShot<Void>?) in
      if state.buffer.count >= Self.highWater {
        state.paused = true
        return (false, nil)
      }
      unsafe state.buffer.append(contentsOf: bytes)
      return (true, state.waiter.take())
    }
    waiter?.succeed(())
    return accepted
  }

  /// Ends the stream after what is buffered.
  func finish(_ error: HTTPError?) {
    let waiter = state.withLock { state -> OneShot<Void>? in
      guard state.end == nil else { return nil }
      state.end = .end(error)
      return state.waiter.take()
    }
    waiter?.succeed(())
  }

  /// The next item, once there is one. `resume` is called when that makes room for a paused transfer.
  func next(resume: () -> Void) async -> Item {
    while true {
      let waiter = OneShot<Void>()
      let (item, wasPaused) = state.withLock { state -> (Item?, Bool) in
        if !state.buffer.isEmpty {
          let chunk = state.buffer
          state.buffer = []
          defer { state.paused = false }
          return (.chunk(chunk), state.paused)
        }
        if let end = state.end { return (end, false) }
        precondition(state.waiter == nil, "a response body has one consumer")
        state.waiter = waiter
        return (nil, false)
      }
      if wasPaused { resume() }
      if let item { return item }
      await waiter.value
    }
  }
}
