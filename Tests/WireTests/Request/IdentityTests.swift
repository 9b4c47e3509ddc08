import BatchCore
import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct IdentityTests {
  private func envelope(
    _ body: String = Fixtures.chat, headers: FieldTable? = nil, change: (inout Delivery) -> Void = { _ in }
  ) -> Envelope {
    var delivery = Fixtures.delivery(body, headers: headers)
    change(&delivery)
    return Fixtures.decode(delivery).envelope
  }

  private static let otherBody = "{\"model\":\"gpt-5\",\"messages\":[]}"

  @Test func aKeyIsTheIdentityWhateverTheBody() {
    let key: FieldTable = ["x-idempotency-key": .string("k")]
    let one = envelope(headers: key)
    #expect(one.identity.kind == .key)
    #expect(one.identity == envelope(Self.otherBody, headers: key).identity)
    #expect(one.identity == envelope("not json", headers: key).identity)
    #expect(one.identity == envelope(headers: key) { $0.properties.messageID = nil }.identity)
    #expect(one.identity != envelope(headers: ["x-idempotency-key": .string("k2")]).identity)
    #expect(one.identity != envelope(headers: ["x-idempotency-key": .string("k"), "x-tenant": .string("t")]).identity)
    #expect(one.ledgerID == envelope(Self.otherBody, headers: key).ledgerID)
  }

  @Test func aMessageIDNeedsTheSameBody() {
    let one = envelope()
    #expect(one.identity.kind == .messageID)
    #expect(one.identity == envelope(" \(Fixtures.chat)\n").identity)
    #expect(one.identity == envelope("{\"custom_id\":\"x\",\"body\":\(Fixtures.chat)}").identity)
    #expect(one.identity != envelope(Self.otherBody).identity)
    #expect(one.identity != envelope { $0.properties.messageID = Array("m-2".utf8) }.identity)
    #expect(one.identity != envelope(headers: ["x-tenant": .string("t")]).identity)
    #expect(one.identity == envelope { $0.routingKey = [] }.identity)
  }

  @Test func laneDeadlineTagsAndCorrelationDoNotCount() throws {
    let plain = try #require(Fixtures.decode(Fixtures.delivery()).request)
    var delivery = Fixtures.delivery(headers: [
      "x-lane": .string("auto"), "x-deadline-ms": .int8(5), "x-user": .string("u"),
      "x-callback-url": .string("https://a/"),
    ])
    delivery.properties.correlationID = Array("other".utf8)
    delivery.properties.replyTo = Array("queue".utf8)
    let other = try #require(Fixtures.decode(delivery).request)
    #expect(plain.bodyHash == other.bodyHash)
    #expect(plain.envelope.identity == other.envelope.identity)
    #expect(plain.envelope.ledgerID != other.envelope.ledgerID)
  }

  @Test func aFingerprintIsOfAllThatThePublisherSent() {
    func fingerprint(_ headers: FieldTable? = nil, change: (inout Delivery) -> Void = { _ in }) -> Identity {
      envelope(headers: headers) {
        $0.properties.messageID = nil
        change(&$0)
      }.identity
    }
    let plain = fingerprint()
    #expect(plain.kind == .fingerprint)
    #expect(plain == fingerprint { $0.redelivered = true })
    #expect(plain == fingerprint { $0.token.tag = 9 })
    #expect(plain == fingerprint([:]))
    #expect(
      plain
        == fingerprint([
          "x-delivery-count": .int64(3), "x-acquired-count": .int64(4), "x-death": .array([]),
          "x-first-death-queue": .string("q"), "x-last-death-reason": .string("r"),
        ]))
    #expect(fingerprint(["a": .int8(1), "b": .int8(2)]) == fingerprint(["b": .int8(2), "a": .int8(1)]))
    let others = [
      fingerprint(["a": .int8(1)]), fingerprint(["a": .int16(1)]), fingerprint { $0.routingKey = [1] },
      fingerprint { $0.exchange = [] },
      fingerprint { $0.body.append(0x20) }, fingerprint { $0.properties.appID = [] },
      fingerprint { $0.properties.timestamp = 1 }, fingerprint(["x-tenant": .string("t")]),
      fingerprint { $0.properties.correlationID = nil },
    ]
    #expect(Set(others + [plain]).count == others.count + 1)
  }

  @Test func correlationSourcesInOrder() {
    func envelope(_ correlation: [UInt8]?, custom: String?, message: [UInt8]?) -> Envelope {
      let body = custom.map { "{\"custom_id\":\"\($0)\",\"body\":\(Fixtures.chat)}" } ?? Fixtures.chat
      return self.envelope(body) {
        $0.properties.correlationID = correlation
        $0.properties.messageID = message
      }
    }
    let long = String(repeating: "x", count: 256)
    #expect(envelope(Array("c".utf8), custom: "b", message: [0x6D]).correlationID == Array("c".utf8))
    #expect(envelope(nil, custom: "b", message: [0x6D]).correlationID == Array("b".utf8))
    #expect(envelope([], custom: "b", message: [0x6D]).correlationID == Array("b".utf8))
    #expect(envelope([0xFF], custom: nil, message: [0x6D]).correlationID == [0x6D])
    let cut = envelope(nil, custom: long, message: [0x6D])
    #expect(cut.correlationID == [0x6D])
    #expect(cut.customID == long)
    let generated = envelope(nil, custom: nil, message: [0xFF])
    #expect(generated.correlationGenerated)
    #expect(generated.correlationID == Array(generated.ledgerID.text.utf8))
    #expect(!cut.correlationGenerated)
    #expect(
      self.envelope("{\"id\":7,\"model\":\"gpt-5\",\"messages\":[]}") { $0.properties.correlationID = nil }
        .correlationID == Array("m-1".utf8))
  }

  @Test func poisonHasAnEnvelopeToo() throws {
    let poison = try #require(
      Fixtures.decode(Fixtures.delivery("{\"custom_id\":\"mine\",\"body\":{\"model\":\"nope\",\"messages\":[]}}"))
        .poison)
    #expect(poison.failure.code == .unknownModel)
    #expect(poison.envelope.customID == "mine")
    #expect(poison.envelope.correlationID == Array("c-1".utf8))
    let broken = try #require(Fixtures.decode(Fixtures.delivery("{")).poison)
    #expect(broken.bodyHash == SHA256Digest.of("{".utf8))
    #expect(broken.envelope.ledgerID == Fixtures.decode(Fixtures.delivery("{")).envelope.ledgerID)
    #expect(broken.envelope.ledgerID != Fixtures.decode(Fixtures.delivery("[")).envelope.ledgerID)
  }

  @Test func anExpiredDeadlineIsNoPoison() {
    #expect(
      Fixtures.decode(Fixtures.delivery(headers: ["x-deadline": .timestamp(1)])).request?.deadline
        == Timestamp(milliseconds: 1000))
  }

  @Test func refusedUnparsed() {
    let decoder = RequestDecoder(options: Fixtures.options)
    let key: FieldTable = ["x-idempotency-key": .string("k")]
    let poison = decoder.refuse(
      Fixtures.delivery("{", headers: key), with: Failure(.deliveryLimit, "too often"), receivedAt: Fixtures.receivedAt)
    #expect(poison.failure.code == .deliveryLimit)
    #expect(poison.envelope.ledgerID == envelope(headers: key).ledgerID)
  }

  @Test func cancellations() throws {
    func message(_ headers: FieldTable = [:], correlation: [UInt8]?) -> DecodedMessage {
      var delivery = Fixtures.delivery("", headers: headers)
      delivery.properties.type = Array("llm.cancel".utf8)
      delivery.properties.correlationID = correlation
      return Fixtures.decode(delivery)
    }
    guard case .cancel(let cancel) = message(["x-tenant": .string("t")], correlation: [0x63]) else {
      Issue.record("no cancellation")
      return
    }
    #expect(cancel.tenant == "t")
    #expect(cancel.correlationID == [0x63])
    #expect(message(correlation: nil).poison?.failure.code == .invalidRequest)
    #expect(message(["x-tenant": .int8(1)], correlation: [0x63]).poison?.failure.code == .invalidHeader)
    let key: FieldTable = ["x-idempotency-key": .string("k")]
    #expect(message(key, correlation: [0x63]).envelope.identity != envelope(headers: key).identity)
  }

  @Test func ledgerIDsAsText() throws {
    let id = envelope().ledgerID
    #expect(id.text.utf8.count == 30)
    #expect(id.text.hasPrefix("req_"))
    #expect(LedgerID(id.text) == id)
    #expect(LedgerID(id.text.uppercased()) == id)
    #expect(LedgerID(bytes: id.bytes) == id)
    let last = try #require(LedgerID(bytes: [UInt8](repeating: 0xFF, count: 16)))
    #expect(last.text == "req_7zzzzzzzzzzzzzzzzzzzzzzzzz")
    #expect(LedgerID(bytes: [UInt8](repeating: 0, count: 16))?.text == "req_00000000000000000000000000")
    for wrong in [
      "", "req_", "req_8zzzzzzzzzzzzzzzzzzzzzzzzz", "req_7zzzzzzzzzzzzzzzzzzzzzzzz", "req_7zzzzzzzzzzzzzzzzzzzzzzzzi",
      "xyz_7zzzzzzzzzzzzzzzzzzzzzzzzz",
    ] {
      #expect(LedgerID(wrong) == nil)
    }
    #expect(LedgerID(bytes: [1]) == nil)
  }

  @Test(arguments: [1, 2] as [UInt64])
  func noDeliveryTraps(_ seed: UInt64) {
    var random = SeededGenerator(seed)
    let names = [
      "x-tenant", "x-lane", "x-deadline", "x-deadline-ms", "x-endpoint", "x-callback-url", "x-no-reply",
      "x-idempotency-key", "x-millrace-replay", "traceparent",
    ]
    let values: [FieldValue] = [
      .void, .bool(true), .int64(.min), .uint64(.max), .double(.nan), .string([0xFF, 0xC3]),
      .string("2023-11-14T22:13:20Z"), .string("/v1/embeddings"), .timestamp(.max), .array([.void]), .table([:]),
    ]
    let bodies = [
      Fixtures.chat, "{\"custom_id\":\"r\",\"url\":\"/v1/responses\",\"body\":\(Fixtures.chat)}",
      "{\"id\":\"s\",\"maxTokens\":5,\"callbackUrl\":\"https://a\",\"stream\":true,\"model\":\"gpt-5\",\"input\":\"x\"}",
    ]
    for _ in 0..<5000 {
      var delivery = Fixtures.delivery(bodies.randomElement(using: &random) ?? "")
      if Bool.random(using: &random) {
        delivery.body[Int.random(in: 0..<delivery.body.count, using: &random)] = .random(in: 0...255, using: &random)
      }
      if Bool.random(using: &random) {
        var table = FieldTable()
        table[names.randomElement(using: &random) ?? ""] = values.randomElement(using: &random)
        delivery.properties.headers = table
      }
      let message = Fixtures.decode(delivery)
      #expect((1...255).contains(message.envelope.correlationID.count))
      if let body = message.request?.body {
        #expect((try? JSONSlice.parse(body.bytes)) != nil)
        #expect((try? JSONSlice.parse(Array(body.bytes[body.modelRange])))?.string == message.request?.model)
        #expect(!body.bytes.contains(0x0A))
      }
    }
  }
}
