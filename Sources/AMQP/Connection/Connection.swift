import CRabbitMQ
import Glibc

/// One connection after login: frames in, frames out, answers matched to their calls, heartbeats kept.
///
/// Confined to one event thread, whose driver calls `receive`, `flush`, `checkTimers` and `wait` in turn. Nothing here
/// blocks but `wait`. Once something throws, or `failure` is set, the connection is of no use but to be dropped.
@safe
final class Connection {
  /// Channels are numbered below this; two or three are ever open.
  static let channelLimit: UInt16 = 16
  /// Writers stop adding frames while this much waits for the socket.
  static let outputLimit = 256 << 10

  let handle: ConnectionHandle
  let openedAt: ContinuousClock.Instant
  var output = FrameBuffer()
  private(set) var failure: AMQPError?

  private struct Waiter {
    var reply: MethodID
    var deadline: ContinuousClock.Instant
    var continuation: CheckedContinuation<Result<Incoming.Reply, AMQPError>, Never>
  }

  private let rpcTimeout: Duration
  /// How long the peer may be silent, nil for ever. RabbitMQ looks every half heartbeat whether it has sent anything and
  /// sends one if not, so a broker that is well is never silent for longer than one heartbeat. Two would be the usual, but
  /// then connecting again comes on top; so a quarter is kept for that.
  private let silenceLimit: Duration?
  private var reader = FrameReader()
  private var waiters: [UInt16: Waiter] = [:]
  private var waitsForRoom = false
  private var lastReceived: ContinuousClock.Instant
  private var lastSent: ContinuousClock.Instant

  /// Connects and logs in, on the calling thread.
  init(_ endpoint: ConnectionConfiguration.Endpoint, _ configuration: ConnectionConfiguration) throws(AMQPError) {
    handle = try ConnectionHandle(endpoint, configuration)
    rpcTimeout = configuration.rpcTimeout
    silenceLimit = handle.heartbeat > 0 ? .seconds(handle.heartbeat) * 7 / 4 : nil
    openedAt = ContinuousClock.now
    (lastReceived, lastSent) = (openedAt, openedAt)
  }

  deinit { fail(AMQPError(.stopped, "the connection was closed")) }

  var hasRoom: Bool { output.pending < Self.outputLimit }
  /// What a body frame can carry.
  var bodyChunk: Int { handle.frameMax - FrameBuffer.overhead }

  /// How long the socket has taken nothing although something waits for it.
  func stalled(now: ContinuousClock.Instant) -> Duration { output.pending > 0 ? now - lastSent : .zero }

  // MARK: Calls

  /// Sends a method and waits for its answer. One call at a time a channel.
  ///
  /// Throws the broker's `channelClosed` if it answers so: the channel is then gone, and was acknowledged as such.
  @discardableResult
  func call(
    _ method: Method, channel: UInt16, timeout: Duration? = nil
  ) async throws(AMQPError) -> Incoming.Reply {
    if let failure { throw failure }
    guard let reply = method.reply, waiters[channel] == nil else {
      throw AMQPError(.malformed, "two calls at once on one channel")
    }
    try send(method, channel: channel)
    let deadline = ContinuousClock.now + (timeout ?? rpcTimeout)
    let result = await withCheckedContinuation { continuation in
      waiters[channel] = Waiter(reply: reply, deadline: deadline, continuation: continuation)
    }
    return try result.get()
  }

  /// Queues a method that has no answer, or whose answer nobody waits for.
  func send(_ method: Method, channel: UInt16) throws(AMQPError) {
    do throws(FieldError) {
      try output.append(method, channel: channel)
    } catch {
      throw AMQPError(.configuration, error.text)
    }
  }

  /// Ends every call that waits. What follows can only be dropping the connection.
  func fail(_ error: AMQPError) {
    if failure == nil { failure = error }
    let waiting = waiters.values
    waiters = [:]
    for waiter in waiting { waiter.continuation.resume(returning: .failure(error)) }
  }

  // MARK: Driving

  /// Reads what has arrived, at most `limit` frames, and hands on what is no answer to a call.
  ///
  /// Returns whether it stopped at the limit: more may be there.
  func receive(limit: Int, _ handle: (Incoming) -> Void) throws(AMQPError) -> Bool {
    var bytes = 0
    defer { self.handle.recycle() }
    for _ in 0..<limit {
      guard let frame = try unsafe self.handle.receive() else { return false }
      if let incoming = try unsafe reader.read(frame) {
        try digest(incoming)
        handle(incoming)
      }
      if unsafe CInt(frame.frame_type) == AMQP_FRAME_BODY { unsafe bytes += frame.payload.body_fragment.len }
      if bytes > 1 << 18 {
        self.handle.recycle()
        bytes = 0
      }
    }
    return true
  }

  /// The part of an event that concerns every user of a connection.
  private func digest(_ incoming: Incoming) throws(AMQPError) {
    switch incoming {
    case .reply(let channel, let id, let reply):
      guard let waiter = waiters[channel], waiter.reply == id else { return }
      waiters[channel] = nil
      waiter.continuation.resume(returning: .success(reply))
    case .channelClosed(let channel, let code, let text, _):
      try send(.channelCloseOK, channel: channel)
      let kind: AMQPError.Kind = code == 403 ? .refused : .channelClosed
      waiters.removeValue(forKey: channel)?.continuation
        .resume(returning: .failure(AMQPError(kind, code: code, text)))
    case .connectionClosed(let code, let text):
      try? send(.connectionCloseOK, channel: 0)
      try? flush(now: .now)
      throw AMQPError(.connectionClosed, code: code, "\(self.handle.broker.endpoint) closed the connection: \(text)")
    case .content, .acknowledged, .cancelled, .blocked, .unblocked:
      break
    }
  }

  /// Writes what the socket takes.
  func flush(now: ContinuousClock.Instant) throws(AMQPError) {
    guard !waitsForRoom else { return }
    while output.pending > 0 {
      let count = try unsafe output.drain { (bytes) throws(AMQPError) in try unsafe handle.write(bytes) }
      if count == 0 {
        waitsForRoom = true
        return
      }
      lastSent = now
    }
  }

  /// Sends a heartbeat when one is due; throws when the peer is silent for too long, or an answer is overdue.
  func checkTimers(now: ContinuousClock.Instant) throws(AMQPError) {
    if let silenceLimit {
      if now - lastReceived > silenceLimit {
        // A process that was stopped for a while comes back to a full socket, not to a dead peer.
        guard poll(wake: -1, milliseconds: 0, now: now) else {
          throw AMQPError(
            .connectionLost,
            "\(handle.broker.endpoint) was silent for \(silenceLimit), at a heartbeat of \(handle.heartbeat) s")
        }
      }
      if now - lastSent >= .seconds(handle.heartbeat) / 2, output.pending == 0 {
        output.appendHeartbeat()
        try flush(now: now)
      }
    }
    if let late = waiters.first(where: { $0.value.deadline <= now }) {
      throw AMQPError(
        .timedOut, "\(handle.broker.endpoint) did not answer on channel \(late.key) in time")
    }
  }

  /// Sleeps until the socket is ready, `wake` is readable, or a timer of ours or `deadline` is due.
  func wait(wake: CInt, deadline: ContinuousClock.Instant?) {
    let now = ContinuousClock.now
    var next = deadline ?? now + .seconds(60)
    if let silenceLimit {
      let beat = lastSent + .seconds(handle.heartbeat) / 2
      next = min(next, lastReceived + silenceLimit + .milliseconds(1), max(beat, now + .milliseconds(100)))
    }
    for waiter in waiters.values { next = min(next, waiter.deadline) }
    _ = poll(wake: wake, milliseconds: (next - now).wholeMilliseconds, now: now)
  }

  /// Returns whether the socket has something to read.
  private func poll(wake: CInt, milliseconds: CInt, now: ContinuousClock.Instant) -> Bool {
    var interest = Int16(POLLIN)
    if waitsForRoom, !handle.writeWaitsForRead { interest |= Int16(POLLOUT) }
    var descriptors = (
      pollfd(fd: handle.descriptor, events: interest, revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    )
    unsafe withUnsafeMutablePointer(to: &descriptors) { pair in
      unsafe pair.withMemoryRebound(to: pollfd.self, capacity: 2) { _ = unsafe Glibc.poll($0, 2, milliseconds) }
    }
    let events = descriptors.0.revents
    guard events != 0 else { return false }
    waitsForRoom = false
    if events & ~Int16(POLLOUT) == 0 { return false }
    lastReceived = milliseconds == 0 ? now : .now
    return true
  }
}

extension Duration {
  /// Rounded up, so that a wait does not end just before its time; never negative.
  var wholeMilliseconds: CInt {
    guard self > .zero else { return 0 }
    let (seconds, attoseconds) = components
    return CInt(clamping: min(seconds, 1_000_000) * 1000 + attoseconds / 1_000_000_000_000_000 + 1)
  }
}
