import Threading

/// An HTTP/1.1 and HTTP/2 client on libcurl, with one thread for all its transfers.
///
/// It follows no redirect, decodes no content, keeps no cookie, and sends nothing twice. Its owner must call
/// `shutdown()`.
public final class HTTPClient: Sendable {
  private enum Life {
    case running
    case stopping([OneShot<Void>])
    case stopped
  }

  private let engine: TransferEngine
  private let life = Locked(Life.running)

  public init(configuration: HTTPClientConfiguration = HTTPClientConfiguration()) {
    // Before the thread: it must not be the first to touch the library.
    precondition(CurlLibrary.isReady, "libcurl cannot be initialised")
    let thread = EventThread(name: "http", priority: configuration.isBackground ? .background : .normal)
    engine = TransferEngine(configuration: configuration, thread: thread)
    thread.attach(engine)
  }

  deinit {
    life.withLock { life in
      guard case .stopped = life else { preconditionFailure("an HTTP client was dropped without shutdown()") }
    }
  }

  /// Sends a request and collects its response.
  ///
  /// - Throws: `HTTPError`; a response of any status is no error.
  public func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
    let response = OneShot<Result<HTTPResponse, HTTPError>>()
    let exchange = try start(request, .collected(response))
    return try await result(of: exchange, response)
  }

  /// Sends a request and returns when the head of its response is there.
  ///
  /// - Throws: `HTTPError`; a response of any status is no error.
  public func stream(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStreamingResponse {
    let head = OneShot<Result<HTTPResponseHead, HTTPError>>()
    let channel = BodyChannel()
    let exchange = try start(request, .streamed(head: head, body: channel))
    let engine = engine
    let lease = HTTPBodyStream.Lease(
      channel: channel, resume: { engine.post(.resumeReceiving(exchange)) },
      cancel: { engine.post(.cancel(exchange)) })
    return HTTPStreamingResponse(head: try await result(of: exchange, head), body: HTTPBodyStream(lease: lease))
  }

  /// Fails what is in flight with `shutDown`, closes all connections, and returns when the thread has ended.
  public func shutdown() async {
    let waiter = OneShot<Void>()
    let (isFirst, isOver) = life.withLock { life -> (Bool, Bool) in
      switch life {
      case .running:
        life = .stopping([])
        return (true, false)
      case .stopping(let waiters):
        life = .stopping(waiters + [waiter])
        return (false, false)
      case .stopped:
        return (false, true)
      }
    }
    if isOver { return }
    guard isFirst else { return await waiter.value }
    await engine.close()
    await engine.thread.stop()
    let waiters = life.withLock { life -> [OneShot<Void>] in
      defer { life = .stopped }
      guard case .stopping(let waiters) = life else { return [] }
      return waiters
    }
    for waiter in waiters { waiter.succeed(()) }
  }

  private func start(_ request: HTTPRequest, _ delivery: Exchange.Delivery) throws(HTTPError) -> Exchange {
    let server = try RequestCheck.server(of: request)
    if Task.isCancelled {
      throw HTTPError(
        kind: .cancelled, requestMayHaveBeenSent: false,
        message: "the request to \(server) was cancelled before it was started")
    }
    let exchange = Exchange(request: request, server: server, delivery: delivery)
    guard engine.post(.start(exchange)) else {
      throw TransferEngine.shutDown(exchange, mayHaveBeenSent: false)
    }
    if let feed = exchange.feed, case .stream(_, let chunks) = request.body {
      let engine = engine
      // Not a child of the caller: an early answer must not wait for a source that is slow to notice that it was
      // cancelled, and a streamed response may begin while the request is still being sent. It ends with the transfer,
      // which closes the feed.
      let pump = Task { await feed.pump(chunks) { engine.post(.resumeSending(exchange)) } }
      feed.onClose { pump.cancel() }
    }
    return exchange
  }

  /// Waits for a result; cancelling the task ends the exchange, which then fails as cancelled.
  private func result<Value>(
    of exchange: Exchange, _ result: OneShot<Result<Value, HTTPError>>
  ) async throws(HTTPError) -> Value {
    let engine = engine
    let outcome = await withTaskCancellationHandler {
      await result.value
    } onCancel: {
      engine.post(.cancel(exchange))
    }
    return try outcome.get()
  }
}
