import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(4)))
struct HeaderCollectorTests {
  private func collect(_ lines: [String]) -> (HeaderCollector, [HeaderCollector.Event]) {
    var collector = HeaderCollector()
    let events = lines.map { line in Array(line.utf8).withUnsafeBytes { collector.take($0) } }
    return (collector, events)
  }

  @Test func theLastBlockCounts() {
    let (collector, events) = collect([
      "HTTP/1.1 103 Early\r\n", "a: 1\r\n", "content-length: 9\r\n", "\r\n", "HTTP/2 200 \r\n", "B:\t2 \r\n", "\r\n",
      "trailer: 3\r\n",
    ])
    #expect(events == [.more, .more, .more, .more, .more, .more, .complete, .more])
    #expect(collector.head.status == 200)
    #expect(collector.head.httpVersion == "2")
    #expect(collector.head.headers.map(\.name) == ["b"])
    #expect(collector.head.headers.map(\.value) == ["2"])
    #expect(collector.contentLength == nil)
  }

  @Test func foldedLinesContinueTheValue() {
    let (collector, events) = collect(["HTTP/1.1 200\r\n", "a: 1\r\n", "  2 \r\n", "\r\n"])
    #expect(events.last == .complete)
    #expect(collector.head["a"] == "1 2")
  }

  @Test(arguments: [
    ("7", Int64(7)), ("0", 0), ("99999999999999999999999", .max), ("-1", nil), ("", nil), ("7, 7", nil),
  ])
  func lengths(text: String, length: Int64?) {
    let (collector, _) = collect(["HTTP/1.1 200 OK\r\n", "Content-Length: \(text)\r\n", "\r\n"])
    #expect(collector.contentLength == length)
  }

  @Test func aChunkedBodyHasNoLength() {
    let (collector, _) = collect([
      "HTTP/1.1 200 OK\r\n", "content-length: 7\r\n", "transfer-encoding: chunked\r\n", "\r\n",
    ])
    #expect(collector.contentLength == nil)
  }

  @Test(arguments: [
    "HTTP/\r\n", "HTTP/1.1 20\r\n", "HTTP/1.1 2x0\r\n", "HTTP/1.1 099 a\r\n", "a: 1\r\n", "\r\n", " x\r\n", "", "\r",
  ])
  func firstLinesThatAreNone(line: String) {
    #expect(collect([line]).1 == [.malformed])
  }

  @Test(arguments: [": 1\r\n", "a\r\n", " folded\r\n"])
  func fieldsThatAreNone(line: String) {
    #expect(collect(["HTTP/1.1 200 OK\r\n", line]).1 == [.more, .malformed])
  }

  @Test func bytesThatAreNoText() {
    var collector = HeaderCollector()
    let lines: [[UInt8]] = [Array("HTTP/1.1 200 OK\r\n".utf8), [0xFF, 0x3A, 0xFE, 0x00, 0x0A], [0x0A]]
    let events = lines.map { line in line.withUnsafeBytes { collector.take($0) } }
    #expect(events == [.more, .more, .complete])
    #expect(collector.head.headers.first?.name == "\u{FFFD}")
  }

  @Test func theSumOfAllBlocksIsBounded() {
    var collector = HeaderCollector()
    let line = Array(("a: " + String(repeating: "x", count: 1000) + "\r\n").utf8)
    _ = Array("HTTP/1.1 200 OK\r\n".utf8).withUnsafeBytes { collector.take($0) }
    var count = 0
    while line.withUnsafeBytes({ collector.take($0) }) == .more { count += 1 }
    #expect(count == HeaderCollector.maximumBytes / line.count)
  }
}

@Suite(.timeLimit(.minutes(4)))
struct MomentTests {
  @Test func limitsSaturate() {
    let now = Moment(nanoseconds: 1000)
    #expect(now + .nanoseconds(5) == Moment(nanoseconds: 1005))
    #expect(now + .seconds(Int64.max) == .never)
    #expect(now + .seconds(-5) == now)
    #expect(Duration(secondsComponent: .max, attosecondsComponent: 0).nanoseconds == .max)
    #expect(Duration(secondsComponent: .min, attosecondsComponent: 0).nanoseconds == 0)
  }

  @Test func waitsAreRoundedUp() {
    let now = Moment(nanoseconds: 0)
    #expect(now.milliseconds(until: .never) == -1)
    #expect(now.milliseconds(until: now) == 0)
    #expect(now.milliseconds(until: Moment(nanoseconds: 1)) == 1)
    #expect(now.milliseconds(until: Moment(nanoseconds: 1_000_000)) == 1)
    #expect(now.milliseconds(until: Moment(nanoseconds: 1_000_001)) == 2)
    #expect(now.milliseconds(until: Moment(nanoseconds: .max - 1)) == .max)
  }
}

@Suite(.timeLimit(.minutes(4)))
struct RequestCheckTests {
  @Test(arguments: [
    ("https://api.example/v1?k=v", "https://api.example"), ("HTTP://u:p@h:80", "http://h:80"),
    ("http://[::1]:8080/", "http://[::1]:8080"), ("http://u:p@ss@h/", "http://h"), ("https://h#x", "https://h"),
  ])
  func serversAreNamedWithoutSecrets(url: String, server: String) throws {
    #expect(try RequestCheck.server(of: HTTPRequest(url: url)) == server)
  }
}
