/// A response whose body arrives while it is read.
public struct HTTPStreamingResponse: Sendable {
  public let head: HTTPResponseHead
  /// The body, for one consumer.
  public let body: HTTPBodyStream
}

/// The chunks of a response body, in order, each as large as what came since the last one.
///
/// The transfer is paused while more than 256 KiB wait. Dropping the stream and its iterators cancels the transfer.
public struct HTTPBodyStream: AsyncSequence, Sendable {
  public typealias Element = [UInt8]
  public typealias Failure = HTTPError

  /// Cancels the transfer when nobody can read it any more.
  final class Lease: Sendable {
    let channel: BodyChannel
    let resume: @Sendable () -> Void
    let cancel: @Sendable () -> Void

    init(channel: BodyChannel, resume: @escaping @Sendable () -> Void, cancel: @escaping @Sendable () -> Void) {
      self.channel = channel
      self.resume = resume
      self.cancel = cancel
    }

    deinit { cancel() }
  }

  public struct AsyncIterator: AsyncIteratorProtocol {
    let lease: Lease

    public mutating func next() async throws(HTTPError) -> [UInt8]? {
      try await next(isolation: #isolation)
    }

    /// The next chunk, or nil at the end of the body.
    ///
    /// - Throws: What broke the transfer off, after the bytes that came before.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(HTTPError) -> [UInt8]? {
      let lease = lease
      if Task.isCancelled { lease.cancel() }
      let item = await withTaskCancellationHandler {
        await lease.channel.next(resume: lease.resume)
      } onCancel: {
        lease.cancel()
      }
      switch item {
      case .chunk(let bytes): return bytes
      case .end(nil): return nil
      case .end(let error?): throw error
      }
    }
  }

  let lease: Lease

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(lease: lease) }
}
