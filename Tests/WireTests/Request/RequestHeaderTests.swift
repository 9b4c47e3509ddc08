import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct RequestHeaderTests {
  private func decode(_ headers: FieldTable, change: (inout Delivery) -> Void = { _ in }) throws -> DecodedRequest {
    var delivery = Fixtures.delivery(headers: headers)
    change(&delivery)
    let message = Fixtures.decode(delivery)
    return try #require(message.request, "\(message.poison?.failure.message ?? "")")
  }

  private func failure(_ headers: FieldTable, change: (inout Delivery) -> Void = { _ in }) -> Failure? {
    var delivery = Fixtures.delivery(headers: headers)
    change(&delivery)
    return Fixtures.decode(delivery).poison?.failure
  }

  @Test func everythingIsRead() throws {
    let request = try decode([
      "x-tenant": .string("acme"), "x-cost-center": .bytes(Array("cc".utf8)), "x-user": .string("u"),
      "x-service": .string("s"), "x-environment": .string("prod"),
      "traceparent": .string("00-1-2-01"), "tracestate": .string("a=b"), "x-batch-trace-id": .string("t"),
      "x-lane": .string("auto"),
      "x-callback-url": .string("http://hook.example:8080/p?q=1"), "x-no-reply": .bool(true),
      "x-millrace-replay": .string("0191E8C4-7B1A-7CC0-8000-0123456789AB"),
      "other": .table(["x": .void]), "x-other": .void,
    ])
    #expect(
      request.envelope.tags == CostTags(tenant: "acme", costCenter: "cc", user: "u", service: "s", environment: "prod"))
    #expect(request.envelope.trace == TraceContext(traceparent: "00-1-2-01", tracestate: "a=b", batchTraceID: "t"))
    #expect(request.lane == .auto)
    #expect(request.envelope.callbackURL == "http://hook.example:8080/p?q=1")
    #expect(request.envelope.noReply)
    #expect(request.envelope.replayNonce == "0191e8c4-7b1a-7cc0-8000-0123456789ab")
  }

  @Test func absentAndEmptyAreTheSame() throws {
    let request = try decode(["x-tenant": .string(""), "x-user": .string(""), "x-lane": .void])
    #expect(request.envelope.tags == CostTags())
    #expect(request.envelope.tags.tenant == "default")
    #expect(request.deadline == nil)
  }

  static let wrong: [(String, FieldValue, String)] = [
    ("x-tenant", .int32(5), "integer 5"), ("x-tenant", .string(String(repeating: "t", count: 256)), "256 bytes"),
    ("x-user", .string([0xFF]), "not UTF-8"),
    ("x-cost-center", .bool(true), "boolean true"), ("x-service", .table([:]), "a table"),
    ("x-environment", .array([]), "an array"),
    ("traceparent", .int8(1), "integer 1"), ("tracestate", .double(1), "double 1.0"),
    ("x-batch-trace-id", .timestamp(1), "timestamp 1"),
    ("x-lane", .string("fast"), "'fast'"), ("x-lane", .string("Deferred"), "interactive, deferred or auto"),
    ("x-lane", .int64(1), "integer 1"),
    ("x-deadline", .string("tomorrow"), "RFC 3339"), ("x-deadline", .string("2023-11-14T22:13:20"), "offset"),
    ("x-deadline", .int64(1_700_000_000), "integer 1700000000"),
    ("x-deadline-ms", .int32(-1), "integer -1"), ("x-deadline-ms", .string("-1"), "'-1'"),
    ("x-deadline-ms", .string("+1"), "'+1'"), ("x-deadline-ms", .string("1.5"), "'1.5'"),
    ("x-deadline-ms", .string(""), "an empty string"), ("x-deadline-ms", .double(5), "double 5.0"),
    ("x-deadline-ms", .decimal(scale: 0, value: 5), "a decimal"), ("x-deadline-ms", .bool(true), "boolean"),
    ("x-idempotency-key", .string(""), "an empty string"), ("x-idempotency-key", .int64(1), "integer 1"),
    ("x-idempotency-key", .string(String(repeating: "k", count: 256)), "256 bytes"),
    ("x-callback-url", .string("file:///etc/passwd"), "http"), ("x-callback-url", .string("https://"), "host"),
    ("x-callback-url", .string("https://u:p@h/"), "password"),
    ("x-callback-url", .string("https://h/ x"), "http"), ("x-callback-url", .string("//h/"), "http"),
    ("x-callback-url", .int8(1), "http"), ("x-callback-url", .string("https://:80/"), "host"),
    ("x-no-reply", .string("yes"), "a boolean"), ("x-no-reply", .int8(1), "a boolean"),
    ("x-no-reply", .bool(true), "x-callback-url"),
    ("x-millrace-replay", .string("1"), "UUID"), ("x-millrace-replay", .bool(true), "UUID"),
    ("x-endpoint", .int8(1), "/v1/chat/completions"),
    ("x-tenant", .string("acme\0"), "control"), ("x-cost-center", .string("a\u{1F}b"), "control"),
    ("x-user", .string("a\u{1B}[2J"), "control"), ("x-service", .string("a\n"), "control"),
    ("x-environment", .string("\u{85}"), "control"),
  ]

  @Test(arguments: wrong)
  func wrongValuesAreNamed(_ name: String, _ value: FieldValue, _ part: String) throws {
    let failure = try #require(self.failure(FieldTable([FieldTable.Entry(key: Array(name.utf8), value: value)])))
    #expect(failure.code == .invalidHeader)
    #expect(failure.message.contains(name), "\(failure.message)")
    #expect(failure.message.contains(part), "\(failure.message)")
    #expect(failure.message.contains("allowed"), "\(failure.message)")
  }

  @Test func secretsInCallbackURLsAreNotRepeated() {
    #expect(failure(["x-callback-url": .string("https://u:hunter2@h/")])?.message.contains("hunter2") == false)
  }

  @Test func endpointHeader() {
    #expect(failure(["x-endpoint": .string("/v1/files")])?.code == .unsupportedEndpoint)
    let line = "{\"url\":\"/v1/embeddings\",\"body\":\(Fixtures.chat)}"
    let failure = self.failure(["x-endpoint": .string("/chat/completions")]) { $0.body = Array(line.utf8) }
    #expect(failure?.code == .invalidHeader)
    #expect(failure?.message.contains("x-endpoint") == true)
  }

  @Test(
    arguments: [
      (["x-deadline": .string("2023-11-14T22:14:20Z")], 1_700_000_060_000),
      (["x-deadline": .timestamp(1_700_000_060)], 1_700_000_060_000),
      (["x-deadline-ms": .int32(500)], 1_700_000_000_500), (["x-deadline-ms": .uint8(5)], 1_700_000_000_005),
      (["x-deadline-ms": .string("0")], 1_700_000_000_000),
      (["x-deadline-ms": .string("007")], 1_700_000_000_007), (["x-deadline-ms": .uint64(.max)], .max),
      (["x-deadline-ms": .string("99999999999999999999999")], .max),
      (["x-deadline": .timestamp(.max)], .max),
      (["x-deadline": .timestamp(1_700_000_060), "x-deadline-ms": .int64(1)], 1_700_000_000_001),
      (["x-deadline": .timestamp(1_600_000_000), "x-deadline-ms": .int64(1)], 1_600_000_000_000),
    ] as [(FieldTable, Int64)])
  func deadlines(_ headers: FieldTable, _ expected: Int64) throws {
    #expect(try decode(headers).deadline == Timestamp(milliseconds: expected))
  }

  @Test func millisecondsCountFromTheTimestamp() throws {
    let request = try decode(["x-deadline-ms": .int64(1500)]) { $0.properties.timestamp = 1_000 }
    #expect(request.deadline == Timestamp(milliseconds: 1_001_500))
    let odd = try decode(["x-deadline-ms": .int64(1500)]) { $0.properties.timestamp = .max }
    #expect(odd.deadline == Timestamp(milliseconds: .max))
  }

  @Test func theFirstOfTwoHeadersCounts() throws {
    let table = FieldTable([
      .init(key: Array("x-tenant".utf8), value: .string("a")), .init(key: Array("x-tenant".utf8), value: .string("b")),
      .init(key: [], value: .void), .init(key: [0xFF], value: .void),
    ])
    #expect(try decode(table).envelope.tags.tenant == "a")
  }

  @Test func authenticatedTenants() {
    var options = Fixtures.options
    options.tenantSource = .userID
    func message(_ header: String?, _ user: String?) -> DecodedMessage {
      var delivery = Fixtures.delivery(headers: header.map { ["x-tenant": .string($0)] })
      delivery.properties.userID = user.map { Array($0.utf8) }
      return Fixtures.decode(delivery, options: options)
    }
    #expect(message(nil, "acme").request?.envelope.tags.tenant == "acme")
    #expect(message("acme", "acme").request?.envelope.tags.tenant == "acme")
    #expect(message(nil, nil).request?.envelope.tags.tenant == "default")
    #expect(message(nil, "ac\tme").poison?.failure.code == .invalidHeader)
    for refused in [message("other", "acme"), message("other", nil)] {
      #expect(refused.poison?.failure.code == .invalidHeader)
      #expect(refused.poison?.failure.message.contains("x-tenant") == true)
      #expect(refused.envelope.tags.tenant != "other")
    }
  }

  @Test func callbacks() {
    let body = "{\"callbackUrl\":\"https://a/\",\"model\":\"gpt-5\",\"messages\":[]}"
    func message(_ headers: FieldTable) -> DecodedMessage { Fixtures.decode(Fixtures.delivery(body, headers: headers)) }
    #expect(message([:]).request?.envelope.callbackURL == "https://a/")
    #expect(message(["x-callback-url": .string("https://a/")]).request?.envelope.callbackURL == "https://a/")
    #expect(message(["x-callback-url": .string("https://b/")]).poison?.failure.code == .invalidHeader)
    #expect(message(["x-no-reply": .string("true")]).request?.envelope.noReply == true)
  }

  @Test func contentEncoding() throws {
    func message(_ encoding: String, _ body: [UInt8]) -> DecodedMessage {
      var delivery = Fixtures.delivery(bytes: body)
      delivery.properties.contentEncoding = Array(encoding.utf8)
      return Fixtures.decode(delivery)
    }
    let packed = GzipTests.stored(Array(Fixtures.chat.utf8))
    let plain = try decode([:])
    #expect(message("gzip", packed).request?.body == plain.body)
    #expect(message("GZIP", packed).request?.bodyHash == plain.bodyHash)
    #expect(message("gzip", packed).envelope.identity == plain.envelope.identity)
    #expect(message("", Array(Fixtures.chat.utf8)).request != nil)
    #expect(message("br", packed).poison?.failure.code == .invalidRequest)
    #expect(message("br", packed).poison?.failure.message.contains("content_encoding") == true)
    #expect(message("gzip", Array(Fixtures.chat.utf8)).poison?.failure.code == .invalidRequest)
    #expect(message("gzip", GzipTests.bomb).poison?.failure.code == .tooLarge)
    #expect(message("", [UInt8](repeating: 0x20, count: 100_001)).poison?.failure.code == .tooLarge)
    #expect(message("", [UInt8](repeating: 0x20, count: 100_000)).poison?.failure.code == .invalidJSON)
  }

  @Test(
    arguments: [(nil, 0), (.int64(3), 3), (.int32(-1), 0), (.string("3"), 0), (.uint64(.max), 0), (.uint8(200), 200)]
      as [(FieldValue?, Int)])
  func deliveryCounts(_ value: FieldValue?, _ expected: Int) {
    let delivery = Fixtures.delivery(headers: value.map { ["x-delivery-count": $0] })
    #expect(RequestDecoder.deliveryCount(of: delivery) == expected)
  }
}
