import Threading

/// Hands the chunks of a body source from the task that pulls them to the client's thread, with a bound in between.
final class UploadFeed: Sendable {
  enum Item {
    case chunk([UInt8])
    case end
    case failed(HTTPError)
    /// Nothing yet: `push` will say that the transfer must be resumed.
    case starved
  }

  private struct State {
    var chunks: [[UInt8]] = []
    var bytes = 0
    var end: HTTPError??
    var starved = false
    var closed = false
    var wanted = false
    var producer: OneShot<Bool>?
    var onClose: (@Sendable () -> Void)?

    var hasRoom: Bool { wanted && bytes < UploadFeed.highWater && chunks.count < UploadFeed.maximumChunks }
  }

  /// Chunks are asked for while less than this waits, and no more than this many.
  static let highWater = 512 << 10
  static let maximumChunks = 64

  let length: Int64
  private let state = Locked(State())

  init(length: Int64) {
    self.length = length
  }

  /// Takes what waits. Called on the client's thread; the first call starts the source.
  func take() -> Item {
    let (item, producer) = state.withLock { state -> (Item, OneShot<Bool>?) in
      state.wanted = true
      if !state.chunks.isEmpty {
        let chunk = state.chunks.removeFirst()
        state.bytes -= chunk.count
        return (.chunk(chunk), state.hasRoom ? state.producer.take() : nil)
      }
      switch state.end {
      case .some(nil): return (.end, nil)
      case .some(.some(let error)): return (.failed(error), nil)
      case nil:
        state.starved = true
        return (.starved, state.producer.take())
      }
    }
    producer?.succeed(true)
    return item
  }

  /// Ends the pulling: the transfer is over.
  func close() {
    let (producer, onClose) = state.withLock { state -> (OneShot<Bool>?, (@Sendable () -> Void)?) in
      state.closed = true
      state.chunks = []
      state.bytes = 0
      return (state.producer.take(), state.onClose.take())
    }
    producer?.succeed(false)
    onClose?()
  }

  /// Sets what is called when the transfer is over, which may be at once.
  func onClose(_ action: @escaping @Sendable () -> Void) {
    let isClosed = state.withLock { state -> Bool in
      if !state.closed { state.onClose = action }
      return state.closed
    }
    if isClosed { action() }
  }

  /// Pulls the source to its end, or until the transfer is over. `resume` is called when a starved transfer has bytes.
  func pump(_ make: @Sendable () -> any HTTPBodySource, resume: () -> Void) async {
    guard await room() else { return }
    var source = make()
    var made: Int64 = 0
    // The chunk that completes the length is held back until the source has said that it was the last: a body that was
    // cut at the announced length would look whole to the server.
    var last: [UInt8]?
    do {
      while await room() {
        guard let chunk = try await source.next() else { break }
        if chunk.isEmpty { continue }
        let (sum, overflow) = made.addingReportingOverflow(Int64(chunk.count))
        guard last == nil, !overflow, sum <= length else {
          return finish(wrongLength("more than the announced \(length) bytes"), resume)
        }
        made = sum
        if made == length { last = chunk } else { push(chunk, resume) }
      }
    } catch {
      let text = "the source of the request body failed with \(type(of: error))"
      // Whether bytes were sent is known to the transfer, which sets it.
      return finish(
        HTTPError(kind: .bodySource, requestMayHaveBeenSent: true, message: text, underlying: error), resume)
    }
    guard made == length else {
      return finish(wrongLength("\(made) instead of the announced \(length) bytes"), resume)
    }
    if let last { push(last, resume) }
    finish(nil, resume)
  }

  private func wrongLength(_ what: String) -> HTTPError {
    HTTPError(
      kind: .bodySource, requestMayHaveBeenSent: true, message: "the source of the request body gave \(what)")
  }

  /// Waits until a chunk is wanted. False when the transfer is over.
  private func room() async -> Bool {
    let waiter = OneShot<Bool>()
    let ready = state.withLock { state -> Bool? in
      if state.closed { return false }
      if state.hasRoom { return true }
      state.producer = waiter
      return nil
    }
    if let ready { return ready }
    return await waiter.value
  }

  private func push(_ chunk: [UInt8], _ resume: () -> Void) {
    let starved = state.withLock { state -> Bool in
      if state.closed { return false }
      state.chunks.append(chunk)
      state.bytes += chunk.count
      defer { state.starved = false }
      return state.starved
    }
    if starved { resume() }
  }

  private func finish(_ error: HTTPError?, _ resume: () -> Void) {
    let starved = state.withLock { state -> Bool in
      state.end = .some(error)
      defer { state.starved = false }
      return state.starved
    }
    if starved { resume() }
  }
}
