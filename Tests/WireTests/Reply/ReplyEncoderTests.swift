import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct ReplyEncoderTests {
  private let ledgerID = LedgerID(bytes: [UInt8](repeating: 0x11, count: 16))
  private let idText = "req_0h248h248h248h248h248h248h"

  private func content(_ outcome: ReplyContent.Outcome) throws -> ReplyContent {
    ReplyContent(
      ledgerID: try #require(ledgerID), correlationID: Array("c-1".utf8), correlationGenerated: false, replyTo: nil,
      customID: nil, tags: CostTags(), trace: TraceContext(), outcome: outcome,
      receivedAt: Timestamp(milliseconds: 1_700_000_000_000), completedAt: Timestamp(milliseconds: 1_700_000_001_234))
  }

  private func response(_ body: String = "{\"ok\":true}") -> ProviderResponse {
    ProviderResponse(statusCode: 200, requestID: "r\"1", body: Array(body.utf8))
  }

  private func encode(_ content: ReplyContent, _ limits: MessageLimits = MessageLimits()) -> OutboundMessage {
    ReplyEncoder(resultsExchange: "llm.results", limits: limits).encode(content)
  }

  private func text(_ message: OutboundMessage) -> String { String(decoding: message.body, as: UTF8.self) }

  @Test func goldenSuccess() throws {
    var content = try content(.succeeded(response("{ \"a\":\n 1.50e1 }\n")))
    content.customID = "mine"
    content.lane = .deferred
    content.provider = "openai"
    content.model = "gpt-4o-mini"
    content.batchID = "batch_1"
    content.callID = "call_1"
    content.attempts = 1
    content.usage = Usage(inputTokens: 12, cachedInputTokens: 0, outputTokens: 5)
    content.cost = ReplyCost(amount: PicoUSD(2_400_000), basis: .batch)
    content.replayed = true
    content.late = true
    content.tags = CostTags(tenant: "t", costCenter: "c", user: "u", service: "s", environment: "e")
    content.trace = TraceContext(traceparent: "tp", tracestate: "ts", batchTraceID: "tid")
    let message = encode(content)
    #expect(
      text(message)
        == "{\"id\":\"\(idText)\",\"custom_id\":\"mine\",\"response\":{\"status_code\":200,\"request_id\":\"r\\\"1\",\"body\":{ \"a\":\n 1.50e1 }\n},\"error\":null,\"millrace\":{\"lane\":\"deferred\",\"provider\":\"openai\",\"model\":\"gpt-4o-mini\",\"batch_id\":\"batch_1\",\"call_id\":\"call_1\",\"attempts\":1,\"usage\":{\"input_tokens\":12,\"cached_input_tokens\":0,\"output_tokens\":5},\"cost\":{\"usd\":\"0.0000024\",\"basis\":\"batch\"},\"received_at\":\"2023-11-14T22:13:20.000Z\",\"completed_at\":\"2023-11-14T22:13:21.234Z\",\"replayed\":true}}"
    )
    #expect(message.exchange == "llm.results")
    #expect(message.routingKey == Array("c-1".utf8))
    #expect(message.mandatory)
    var properties = MessageProperties()
    properties.contentType = Array("application/json".utf8)
    properties.deliveryMode = 2
    properties.correlationID = Array("c-1".utf8)
    properties.messageID = Array(idText.utf8)
    properties.type = Array("llm.result".utf8)
    properties.headers = [
      "x-status": .string("succeeded"), "x-late": .bool(true), "x-tenant": .string("t"), "x-cost-center": .string("c"),
      "x-user": .string("u"),
      "x-service": .string("s"), "x-environment": .string("e"), "traceparent": .string("tp"),
      "tracestate": .string("ts"), "x-batch-trace-id": .string("tid"),
    ]
    #expect(message.properties == properties)
  }

  @Test func goldenFailure() throws {
    var content = try content(.failed(Failure(.unknownModel, "model 'x' is not\nconfigured"), nil))
    content.correlationGenerated = true
    let message = encode(content)
    #expect(
      text(message)
        == "{\"id\":\"\(idText)\",\"custom_id\":\"c-1\",\"response\":null,\"error\":{\"code\":\"unknown_model\",\"message\":\"model 'x' is not\\nconfigured\"},\"millrace\":{\"lane\":null,\"provider\":null,\"model\":null,\"batch_id\":null,\"call_id\":null,\"attempts\":0,\"usage\":null,\"cost\":null,\"received_at\":\"2023-11-14T22:13:20.000Z\",\"completed_at\":\"2023-11-14T22:13:21.234Z\"}}"
    )
    #expect(
      message.properties.headers
        == [
          "x-status": .string("failed"), "x-error-code": .string("unknown_model"),
          "x-correlation": .string("generated"), "x-tenant": .string("default"),
        ])
  }

  @Test func failureWithTheProvidersAnswer() throws {
    let refusal = ProviderResponse(statusCode: 400, requestID: nil, body: Array("{\"error\":{}}".utf8))
    var content = try content(.failed(Failure(.providerRejected, "refused"), refusal))
    content.cost = ReplyCost(amount: nil, basis: .unknown)
    let reply = text(encode(content))
    #expect(
      reply.contains(
        "\"response\":{\"status_code\":400,\"request_id\":null,\"body\":{\"error\":{}}},\"error\":{\"code\":\"provider_rejected\""
      ))
    #expect(reply.contains("\"cost\":{\"usd\":null,\"basis\":\"unknown\"}"))
  }

  @Test(
    arguments: [
      ([0xFF, 0xFE], "//4="), (Array("<html>".utf8), "PGh0bWw+"), ([], ""), (Array("{}{}".utf8), "e317fQ=="),
      (Array("\"\u{1}\"".utf8), "IgEi"),
    ] as [([UInt8], String)])
  func whatIsNoJSONIsCarriedInBase64(_ body: [UInt8], _ base64: String) throws {
    let message = encode(try content(.succeeded(ProviderResponse(statusCode: 502, requestID: nil, body: body))))
    #expect(text(message).contains("\"body_base64\":\"\(base64)\"}"))
    #expect(!text(message).contains("\"body\":"))
    _ = try JSONSlice.parse(message.body)
  }

  @Test(arguments: [
    "\"\\ud800\"", "123456789012345678901234567890", "null", "{\"a\":1,\"a\":2}", "\"\u{2028}\"",
    String(repeating: "[", count: 200) + String(repeating: "]", count: 200),
  ])
  func whatIsJSONIsNotTouched(_ body: String) throws {
    #expect(text(encode(try content(.succeeded(response(body))))).contains("\"body\":\(body)}"))
  }

  @Test func replyQueues() throws {
    var content = try content(.succeeded(response()))
    content.replyTo = Array("my.queue".utf8)
    let named = encode(content)
    #expect(named.exchange.isEmpty)
    #expect(named.routingKey == Array("my.queue".utf8))
    #expect(named.mandatory)
    content.replyTo = Array("amq.rabbitmq.reply-to.g1h2".utf8)
    #expect(!encode(content).mandatory)
    content.replyTo = [UInt8](repeating: 0x71, count: 256)
    #expect(encode(content).exchange == "llm.results")
  }

  @Test func unusableIDsAreReplaced() throws {
    for own in [[UInt8](repeating: 0x63, count: 256), [0x61, 0xFF]] {
      var content = try content(.succeeded(response()))
      content.correlationID = own
      let message = encode(content)
      #expect(message.routingKey == Array(idText.utf8))
      #expect(message.properties.correlationID == Array(idText.utf8))
      #expect(message.properties.headers?["x-correlation"] == .string("generated"))
      let kept = String(decoding: own, as: UTF8.self)
      #expect(try JSONSlice.parse(message.body)["custom_id"]?.string == kept)
      content.customID = "mine"
      let both = try JSONSlice.parse(encode(content).body)
      #expect(both["custom_id"]?.string == "mine")
      #expect(both["millrace"]?["correlation_id"]?.string == kept)
    }
  }

  @Test func largeRepliesNameTheLedgerID() throws {
    var content = try content(.succeeded(response("\"" + String(repeating: "x", count: 5000) + "\"")))
    content.cost = ReplyCost(amount: PicoUSD(1), basis: .list)
    let message = encode(content, MessageLimits(maximumReplyBytes: 2000))
    #expect(message.body.count <= 2000)
    let reply = try ReplyDecoder.decode(message.body)
    #expect(reply.errorCode == "reply_too_large")
    #expect(reply.errorMessage?.contains(idText) == true)
    #expect(reply.cost == "0.000000000001")
    #expect(message.properties.headers?["x-status"] == .string("failed"))
    #expect(message.properties.headers?["x-error-code"] == .string("reply_too_large"))
    content.customID = String(repeating: "i", count: 5000)
    let again = encode(content, MessageLimits(maximumReplyBytes: 2000))
    #expect(again.body.count <= 2000)
    #expect(try ReplyDecoder.decode(again.body).customID == "c-1")
    let exact = encode(content).body.count
    #expect(encode(content, MessageLimits(maximumReplyBytes: exact)).body.count == exact)
    #expect(
      try ReplyDecoder.decode(encode(content, MessageLimits(maximumReplyBytes: exact - 1)).body).errorCode
        == "reply_too_large")
  }

  @Test func largeHeadersAreDroppedAndNamed() throws {
    var content = try content(.succeeded(response()))
    content.tags.user = "u"
    content.trace.tracestate = String(repeating: "s", count: 3000)
    let headers = try #require(encode(content, MessageLimits(frameMax: 4096)).properties.headers)
    #expect(headers["tracestate"] == nil)
    #expect(headers["x-headers-dropped"] == .string("tracestate"))
    #expect(headers["x-user"] == .string("u"))
    #expect(headers["x-status"] == .string("succeeded"))
    #expect(encode(content).properties.headers?["tracestate"] != nil)
    #expect(encode(content).properties.headers?["x-headers-dropped"] == nil)
  }

  @Test func repliesCanBeReadAgain() throws {
    var content = try content(.succeeded(response()))
    content.lane = .interactive
    content.attempts = 2
    content.provider = "p"
    content.model = "m"
    content.usage = Usage(inputTokens: 1, cachedInputTokens: 2, outputTokens: 3)
    content.cost = ReplyCost(amount: PicoUSD(1_500_000_000_000), basis: .list)
    let reply = try ReplyDecoder.decode(encode(content).body)
    #expect(reply.id == idText)
    #expect(reply.customID == "c-1")
    #expect(reply.isSuccess)
    #expect(reply.statusCode == 200)
    #expect(reply.errorCode == nil)
    #expect(reply.lane == "interactive")
    #expect(reply.provider == "p")
    #expect(reply.model == "m")
    #expect(reply.attempts == 2)
    #expect(reply.cost == "1.5")
    #expect(reply.costBasis == "list")
    #expect(reply.usage == content.usage)
  }

  @Test(arguments: ["", "[]", "{}", "{\"id\":1,\"millrace\":{}}", "{\"id\":\"x\",\"millrace\":[]}"])
  func otherBytesAreNoReply(_ text: String) {
    #expect(throws: ReplyDecodingError.self) { try ReplyDecoder.decode(Array(text.utf8)) }
  }
}
