import Testing
import Wire

@testable import AMQP

extension BrokerTests {
  @Suite struct Headers {
    @Test func everyPropertyAndHeaderType() async throws {
      var properties = MessageProperties()
      properties.contentType = Array("application/json".utf8)
      properties.contentEncoding = Array("gzip".utf8)
      properties.deliveryMode = 1
      properties.priority = 9
      properties.correlationID = [0xFF, 0x00, 0x80]
      properties.replyTo = Array("back".utf8)
      properties.expiration = Array("60000".utf8)
      properties.messageID = []
      properties.timestamp = 1_700_000_000
      properties.type = Array("llm.request".utf8)
      properties.userID = Array("guest".utf8)
      properties.appID = Array("ä".utf8)
      properties.clusterID = Array("c".utf8)
      var values: [FieldValue] = [
        .bool(true), .bool(false), .int8(-128), .uint8(255), .int16(-32768), .uint16(65535), .int32(.min),
        .uint32(.max), .int64(.min), .float(1.5), .double(-.pi), .decimal(scale: 2, value: 31_415),
        .string("text"), .string([0xFF]), .bytes([0, 1, 2]), .timestamp(1), .void, .array([]), .table(FieldTable()),
      ]
      values.append(.array(values + [.array([.int32(1), .table(["deep": .array([.void])])])]))
      properties.headers = FieldTable(values.enumerated().map { .init(key: Array("h\($0)".utf8), value: $1) })
      properties.headers?.entries += [
        .init(key: [], value: .string("empty key")), .init(key: Array("twice".utf8), value: .int8(1)),
        .init(key: Array("twice".utf8), value: .int8(2)), .init(key: [0xFE], value: .void),
      ]
      try await TestBroker.withQueue("types") { queue in
        let message = OutboundMessage(
          exchange: "", routingKey: Array(queue.utf8), properties: properties, body: Array("x".utf8))
        try await TestBroker.withPublisher { publisher in
          #expect(await publisher.publish([message, TestBroker.message(queue)]) == [.confirmed, .confirmed])
        }
        try await TestBroker.withConsumer(.queue(queue)) { consumer in
          let deliveries = try await consumer.take(2)
          #expect(deliveries[0].properties == properties)
          #expect(deliveries[0].exchange == [] && deliveries[0].routingKey == Array(queue.utf8))
          var plain = MessageProperties()
          plain.deliveryMode = 2
          #expect(deliveries[1].properties == plain)
          consumer.settle(deliveries)
        }
      }
    }

    /// As deep as one frame can be: the library decodes it by recursion, and the broker lets it through.
    @Test(arguments: [true, false])
    func headersNestedAsDeepAsAFrameAllows(arrays: Bool) async throws {
      let levels = arrays ? 26_000 : 18_700
      var table: [UInt8] = []
      // Written from the inside out: every level's length covers all that is in it.
      var inner: [UInt8] = []
      inner.reserveCapacity(131_072)
      var sizes: [Int] = []
      var size = 0
      for _ in 0..<levels {
        sizes.append(size)
        size += arrays ? 5 : 7
      }
      for (index, size) in sizes.reversed().enumerated() {
        if arrays || index == 0 {
          inner.append(UInt8(ascii: arrays ? "A" : "F"))
        } else {
          inner += [1, UInt8(ascii: "k"), UInt8(ascii: "F")]
        }
        inner += (0..<4).map { UInt8(truncatingIfNeeded: (arrays ? size : size) >> (24 - 8 * $0)) }
      }
      table = [4] + Array("deep".utf8) + inner

      try await TestBroker.withQueue("deep") { queue in
        let configuration = try TestBroker.configuration("deep")
        try RawClient.publish(header: table, to: queue, configuration)
        try await TestBroker.withPublisher { publisher in
          #expect(await publisher.publish([TestBroker.message(queue, "after")]) == [.confirmed])
        }
        try await TestBroker.withConsumer(.queue(queue)) { consumer in
          let deliveries = try await consumer.take(2)
          #expect(deliveries[1].text == "after")
          var depth = 0
          var value = deliveries[0].properties.headers?["deep"]
          while let level = value {
            depth += 1
            switch level {
            case .array(let elements): value = elements.first
            case .table(let table): value = table.entries.first?.value
            default: value = nil
            }
          }
          // The level below the last one kept is there, and empty.
          #expect(depth == FieldWriter.deepestNesting + 1)
          consumer.settle(deliveries)
          #expect(await consumer.barrier())
          #expect(consumer.counters.reconnects == 0)
        }
      }
    }
  }
}

/// Publishes what `FieldWriter` would refuse, on a connection driven by hand.
enum RawClient {
  static func publish(header table: [UInt8], to queue: String, _ configuration: ConnectionConfiguration) throws {
    let connection = try Connection(configuration.endpoints[0], configuration)
    try connection.send(.channelOpen, channel: 1)
    try connection.send(.confirmSelect, channel: 1)
    try connection.send(.publish(exchange: "", routingKey: Array(queue.utf8), mandatory: true), channel: 1)
    try connection.output.append(.header, channel: 1) { writer in
      writer.uint16(60)
      writer.uint16(0)
      writer.uint64(0)
      writer.uint16(1 << 13)
      writer.uint32(UInt32(table.count))
      writer.raw(table)
    }
    var confirmed = false
    while !confirmed {
      try connection.flush(now: .now)
      _ = try connection.receive(limit: 10) { if case .acknowledged = $0 { confirmed = true } }
      try connection.checkTimers(now: .now)
      if !confirmed { connection.wait(wake: -1, deadline: nil) }
    }
  }
}
