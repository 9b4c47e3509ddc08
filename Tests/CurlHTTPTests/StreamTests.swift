import CurlHTTP
import Testing

@Suite(.timeLimit(.minutes(4)))
struct StreamTests {
  @Test func aBodyArrivesWhileItIsSent() async throws {
    let next = Gate()
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
      guard next.wait() else { return }
      try connection.send("6\r\nsecond\r\n0\r\n\r\n")
    } _: { server, client in
      let response = try await client.stream(HTTPRequest(url: server.url))
      #expect(response.head.status == 200)
      var chunks = response.body.makeAsyncIterator()
      #expect(try await chunks.next().map(text) == "first")
      next.open()
      #expect(try await chunks.next().map(text) == "second")
      #expect(try await chunks.next() == nil)
      #expect(try await chunks.next() == nil)
    }
  }

  @Test func aSlowConsumerHoldsTheSenderBack() async throws {
    let sent = Tally()
    let total = 64 << 20
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ncontent-length: \(total)\r\n\r\n")
      let block = [UInt8](repeating: 7, count: 64 << 10)
      while sent.value < total {
        try connection.send(block)
        sent.add(block.count)
      }
    } _: { server, client in
      let limits = HTTPLimits(idle: .milliseconds(150), maximumResponseBytes: total)
      let response = try await client.stream(HTTPRequest(url: server.url, limits: limits))
      var last = -1
      while sent.value == 0 || sent.value != last {
        last = sent.value
        // Longer than the idle limit, which must not count while the consumer is slow.
        try await Task.sleep(for: .milliseconds(300))
      }
      // The rest is in the sockets' buffers, not in this process.
      #expect(sent.value < 24 << 20)
      var received = 0
      var largest = 0
      for try await chunk in response.body {
        received += chunk.count
        largest = max(largest, chunk.count)
      }
      #expect(received == total)
      #expect(largest <= 512 << 10)
    }
  }

  @Test func aStreamBreaksAfterWhatCame() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
    } _: { server, client in
      let response = try await client.stream(HTTPRequest(url: server.url))
      var received: [UInt8] = []
      let error = try await failure { () async throws(HTTPError) in
        for try await chunk in response.body { received += chunk }
      }
      #expect(text(received) == "abc")
      #expect(error.kind == .connectionLost(.duringResponse))
    }
  }

  @Test func aStreamIsBoundedToo() async throws {
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\n\r\n")
      while true { try connection.send([UInt8](repeating: 1, count: 1000)) }
    } _: { server, client in
      let response = try await client.stream(
        HTTPRequest(url: server.url, limits: HTTPLimits(maximumResponseBytes: 100_000)))
      var received = 0
      let error = try await failure { () async throws(HTTPError) in
        for try await chunk in response.body { received += chunk.count }
      }
      #expect(error.kind == .responseTooLarge)
      #expect(received <= 100_000)
    }
  }

  @Test func droppingAStreamEndsTheTransfer() async throws {
    let closed = Gate()
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
      try connection.waitForClose()
      closed.open()
    } _: { server, client in
      do {
        var chunks = try await client.stream(HTTPRequest(url: server.url)).body.makeAsyncIterator()
        #expect(try await chunks.next().map(text) == "abc")
      }
      #expect(await closed.waitAside())
    }
  }

  @Test func cancellingAReaderEndsTheTransfer() async throws {
    let closed = Gate()
    try await withServer { connection in
      _ = try connection.receiveRequest()
      try connection.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
      try connection.waitForClose()
      closed.open()
    } _: { server, client in
      let response = try await client.stream(HTTPRequest(url: server.url))
      let reached = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
      let task = Task {
        for try await _ in response.body { reached.continuation.yield() }
      }
      for await _ in reached.stream { break }
      task.cancel()
      let error = await #expect(throws: HTTPError.self) { try await task.value }
      #expect(error?.kind == .cancelled)
      #expect(await closed.waitAside())
    }
  }

  @Test func cancellingEndsARequestAtOnce() async throws {
    let arrived = Gate()
    let closed = Gate()
    try await withServer { connection in
      _ = try connection.receiveRequest()
      arrived.open()
      try connection.waitForClose()
      closed.open()
    } _: { server, client in
      let url = server.url
      let task = Task { try await client.send(HTTPRequest(method: "POST", url: url)) }
      #expect(await arrived.waitAside())
      task.cancel()
      let error = await #expect(throws: HTTPError.self) { try await task.value }
      #expect(error?.kind == .cancelled)
      #expect(error?.requestMayHaveBeenSent == true)
      #expect(await closed.waitAside())
    }
  }

  @Test func aCancelledTaskSendsNothing() async throws {
    try await withServer {
      try $0.serve { _ in "ok" }
    } _: { server, client in
      let url = server.url
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await client.send(HTTPRequest(method: "POST", url: url))
      }
      let error = await #expect(throws: HTTPError.self) { try await task.value }
      #expect(error?.kind == .cancelled)
      #expect(error?.requestMayHaveBeenSent == false)
      #expect(server.accepted == 0)
    }
  }

  @Test func anUploadMayGoOnWhileTheResponseIsRead() async throws {
    let length: Int64 = 8 << 20
    try await withServer { connection in
      guard let head = try connection.receiveHead() else { return }
      try connection.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nstart\r\n")
      try connection.drain(head.length)
      try connection.send("3\r\nend\r\n0\r\n\r\n")
    } _: { server, client in
      let body = HTTPBody.stream(length: length) { PatternSource(left: length, chunk: 100_000) }
      let response = try await client.stream(HTTPRequest(method: "POST", url: server.url, body: body))
      var received: [UInt8] = []
      for try await chunk in response.body { received += chunk }
      #expect(text(received) == "startend")
    }
  }
}
