import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct DeadLetterEncoderTests {
  private func original() -> MessageProperties {
    var properties = MessageProperties()
    properties.contentType = Array("application/json".utf8)
    properties.contentEncoding = Array("gzip".utf8)
    properties.deliveryMode = 1
    properties.priority = 9
    properties.correlationID = Array("c".utf8)
    properties.replyTo = Array("r".utf8)
    properties.expiration = Array("5000".utf8)
    properties.messageID = Array("m".utf8)
    properties.timestamp = 7
    properties.type = Array("t".utf8)
    properties.userID = Array("guest".utf8)
    properties.appID = Array("a".utf8)
    properties.clusterID = Array("k".utf8)
    properties.headers = [
      "x-tenant": .string("acme"), "CC": .array([.string("other")]), "BCC": .array([.string("another")]),
      "x-death": .array([.table(["count": .int64(1)])]),
      "x-delivery-count": .int64(2), "x-first-death-queue": .string("q"), "x-error-code": .string("old"),
      "nested": .table(["a": .void]),
    ]
    return properties
  }

  private func encode(
    _ original: MessageProperties, isDecompressed: Bool = false, message: String = "why",
    limits: MessageLimits = MessageLimits()
  ) -> OutboundMessage {
    DeadLetterEncoder(exchange: "llm.dead-letters", limits: limits).encode(
      original: original, body: [1, 2], isDecompressed: isDecompressed, routingKey: Array("deferred.x".utf8),
      failure: Failure(.batchExpired, message), attempts: 5)
  }

  @Test func whatABrokerWouldActOnIsRenamed() {
    let message = encode(original())
    var expected = MessageProperties()
    expected.contentType = Array("application/json".utf8)
    expected.contentEncoding = Array("gzip".utf8)
    expected.deliveryMode = 2
    expected.correlationID = Array("c".utf8)
    expected.replyTo = Array("r".utf8)
    expected.messageID = Array("m".utf8)
    expected.timestamp = 7
    expected.type = Array("t".utf8)
    expected.appID = Array("a".utf8)
    expected.headers = [
      "x-tenant": .string("acme"), "x-original-CC": .array([.string("other")]),
      "x-original-BCC": .array([.string("another")]),
      "x-original-x-death": .array([.table(["count": .int64(1)])]), "x-original-x-delivery-count": .int64(2),
      "x-original-x-first-death-queue": .string("q"),
      "nested": .table(["a": .void]), "x-original-user_id": .string("guest"), "x-original-expiration": .string("5000"),
      "x-error-code": .string("batch_expired"),
      "x-error-message": .string("why"), "x-attempts": .int64(5),
    ]
    #expect(message.properties == expected)
    #expect(message.exchange == "llm.dead-letters")
    #expect(message.routingKey == Array("deferred.x".utf8))
    #expect(message.mandatory)
    #expect(message.body == [1, 2])
  }

  @Test func aDecompressedBodyDoesNotClaimToBeCompressed() {
    let message = encode(original(), isDecompressed: true)
    #expect(message.properties.contentEncoding == nil)
    #expect(message.properties.headers?["x-original-content_encoding"] == .string("gzip"))
  }

  @Test func messagesAreCutOnACharacter() {
    let message = encode(MessageProperties(), message: "a" + String(repeating: "\u{E9}", count: 1000))
    #expect(message.properties.headers?["x-error-message"] == .string("a" + String(repeating: "\u{E9}", count: 511)))
    let exact = String(repeating: "x", count: 1024)
    #expect(encode(MessageProperties(), message: exact).properties.headers?["x-error-message"] == .string(exact))
  }

  @Test(arguments: [4096, 8192, 131_072])
  func headersFitInHalfAFrame(_ frameMax: Int) throws {
    var properties = original()
    for index in 0..<400 { properties.headers?["filler-\(index)"] = .string(String(repeating: "f", count: index)) }
    properties.headers?["huge"] = .bytes([UInt8](repeating: 0, count: 70_000))
    let message = encode(
      properties, message: String(repeating: "m", count: 5000), limits: MessageLimits(frameMax: frameMax))
    let headers = try #require(message.properties.headers)
    // Strings and numbers cost a few bytes more on the wire than in the ledger's form, never twice as much.
    #expect(PropertiesCodec.encode(message.properties).count < frameMax / 2 + 300)
    #expect(headers["huge"] == nil)
    #expect(headers["x-headers-dropped"]?.text?.hasPrefix("huge,filler-399,") == true)
    for name in ["x-error-code", "x-error-message", "x-attempts"] { #expect(headers[name] != nil) }
  }

  @Test func namesThatNoFrameCanHoldAreDropped() {
    var properties = MessageProperties()
    properties.headers = FieldTable([.init(key: [UInt8](repeating: 0x6B, count: 256), value: .void)])
    properties.correlationID = [UInt8](repeating: 0x63, count: 256)
    let message = encode(properties)
    #expect(message.properties.correlationID == nil)
    #expect(message.properties.headers?.entries.allSatisfy { $0.key.count <= 255 } == true)
    #expect(message.properties.headers?["x-headers-dropped"] != nil)
  }
}
