import Testing
import Wire

@testable import AMQP

extension BrokerTests {
  @Suite struct Publishing {
    @Test func tenThousandPipelined() async throws {
      try await TestBroker.withQueue("many") { queue in
        try await TestBroker.withPublisher { publisher in
          try await withThrowingTaskGroup(of: [PublishOutcome].self) { group in
            for part in 0..<10 {
              group.addTask {
                await publisher.publish((0..<1000).map { TestBroker.message(queue, "\(part * 1000 + $0)") })
              }
            }
            for try await outcomes in group {
              #expect(outcomes == Array(repeating: .confirmed, count: 1000))
            }
          }
          #expect(publisher.counters.confirms == 10_000)
        }
        #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 10_000)
      }
    }

    @Test func unroutableComesBackAlone() async throws {
      try await TestBroker.withQueue("routed") { queue in
        try await TestBroker.withPublisher { publisher in
          var messages = (0..<20).map { TestBroker.message(queue, "\($0)") }
          messages[3] = TestBroker.message(queue + ".nobody", "lost")
          messages[4] = TestBroker.message(queue + ".nobody")
          messages[11] = TestBroker.message(queue + ".nobody", "not mandatory")
          messages[11].mandatory = false
          let outcomes = await publisher.publish(messages)
          for (index, outcome) in outcomes.enumerated() {
            if index == 3 || index == 4 {
              #expect(outcome == .returned(code: 312, text: "NO_ROUTE"))
            } else {
              #expect(outcome == .confirmed)
            }
          }
          #expect(publisher.counters.returns == 2)
        }
      }
    }

    @Test func onlyTheCulpritIsRejected() async throws {
      try await TestBroker.withQueue("innocent") { queue in
        try await TestBroker.withPublisher { publisher in
          var messages = (0..<500).map { TestBroker.message(queue, "\($0)") }
          let culprits = [100, 101, 499]
          for index in culprits { messages[index] = TestBroker.message(queue, exchange: "no.such.exchange") }
          let outcomes = await publisher.publish(messages)
          for (index, outcome) in outcomes.enumerated() {
            guard culprits.contains(index) else {
              #expect(outcome == .confirmed, "message \(index)")
              continue
            }
            guard case .rejected(404, let text) = outcome else {
              Issue.record("message \(index): \(outcome)")
              continue
            }
            #expect(text.contains("no.such.exchange"))
          }
          #expect(publisher.counters.reconnects == 0)
          #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
        }
      }
    }

    @Test func aMissingExchangeTakesFewChannels() async throws {
      try await TestBroker.withQueue("other") { queue in
        try await TestBroker.withPublisher { publisher in
          let messages = (0..<1000).map { number in
            TestBroker.message(queue, exchange: number.isMultiple(of: 10) ? "" : "no.such.exchange")
          }
          let outcomes = await publisher.publish(messages)
          for (index, outcome) in outcomes.enumerated() {
            switch outcome {
            case .confirmed where index.isMultiple(of: 10): break
            case .rejected(404, _) where !index.isMultiple(of: 10): break
            default: Issue.record("message \(index): \(outcome)")
            }
          }
          #expect(publisher.counters.channelCloses <= 10, "\(publisher.counters.channelCloses) channels were closed")
          #expect(publisher.counters.reconnects == 0)
        }
      }
    }

    @Test func aForbiddenUserIDIsRejected() async throws {
      try await TestBroker.withQueue("user") { queue in
        try await TestBroker.withPublisher { publisher in
          let bad = TestBroker.message(queue) { $0.userID = Array("somebody".utf8) }
          let outcomes = await publisher.publish([TestBroker.message(queue), bad, TestBroker.message(queue)])
          #expect(outcomes[0] == .confirmed && outcomes[2] == .confirmed)
          guard case .rejected(406, _) = outcomes[1] else {
            Issue.record("\(outcomes[1])")
            return
          }
        }
      }
    }

    @Test func whatCannotBeEncodedHarmsNothing() async throws {
      try await TestBroker.withQueue("encoded") { queue in
        try await TestBroker.withPublisher { publisher in
          let long = [UInt8](repeating: 65, count: 256)
          let messages = [
            TestBroker.message(queue),
            TestBroker.message(queue) { $0.messageID = long },
            TestBroker.message(queue) { $0.headers = FieldTable([.init(key: long, value: .void)]) },
            TestBroker.message(queue) { $0.headers = ["big": .bytes([UInt8](repeating: 0, count: 131_072))] },
            OutboundMessage(exchange: "", routingKey: long, properties: MessageProperties(), body: []),
            TestBroker.message(queue),
          ]
          let outcomes = await publisher.publish(messages)
          #expect(outcomes.first == .confirmed && outcomes.last == .confirmed)
          let expected = ["message_id has 256 bytes", "the name of a header", "the headers take", "routing key"]
          for (outcome, mention) in zip(outcomes[1...4], expected) {
            guard case .rejected(0, let text) = outcome, text.contains(mention) else {
              Issue.record("\(outcome) does not mention \(mention)")
              continue
            }
          }
          #expect(publisher.counters.channelCloses == 0)
        }
      }
    }

    @Test func aFullQueueRefuses() async throws {
      let arguments: FieldTable = ["x-max-length": .int32(1), "x-overflow": .string("reject-publish")]
      try await TestBroker.withQueue("full", arguments: arguments) { queue in
        try await TestBroker.withPublisher { publisher in
          #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
          #expect(await publisher.publish([TestBroker.message(queue)]) == [.refused])
        }
      }
    }

    @Test func bodiesOfEverySize() async throws {
      // One frame carries 131,064 bytes.
      let sizes = [0, 1, 131_063, 131_064, 131_065, 262_128, 5_000_000, 20_000_000]
      try await TestBroker.withQueue("sizes") { queue in
        try await TestBroker.withPublisher { publisher in
          let messages = sizes.enumerated().map { index, size in
            OutboundMessage(
              exchange: "", routingKey: Array(queue.utf8), properties: MessageProperties(),
              body: [UInt8](repeating: UInt8(index), count: size))
          }
          #expect(await publisher.publish(messages) == sizes.map { _ in .confirmed })
        }
        try await TestBroker.withConsumer(.queue(queue)) { consumer in
          let deliveries = try await consumer.take(sizes.count)
          #expect(deliveries.map(\.body.count) == sizes)
          #expect(
            deliveries.enumerated().allSatisfy { index, delivery in
              delivery.body.allSatisfy { $0 == UInt8(index) }
            })
          consumer.settle(deliveries)
          #expect(await consumer.barrier())
        }
      }
    }

    @Test func aSmallWindowStillMovesEverything() async throws {
      var limits = PublisherConfiguration()
      limits.maxUnconfirmed = 3
      limits.maxUnconfirmedBytes = 10
      try await TestBroker.withQueue("window") { queue in
        try await TestBroker.withPublisher(limits) { publisher in
          let outcomes = await publisher.publish((0..<100).map { _ in TestBroker.message(queue, "eight by") })
          #expect(outcomes == Array(repeating: .confirmed, count: 100))
        }
      }
    }

    @Test func withoutABrokerTheOutcomeIsUnknown() async throws {
      var configuration = try TestBroker.configuration()
      configuration.endpoints = [.init(host: "127.0.0.1", port: 1)]
      var limits = PublisherConfiguration()
      limits.connectTimeout = .milliseconds(300)
      try await TestBroker.withPublisher(limits, configuration: configuration) { publisher in
        #expect(await publisher.publish([TestBroker.message("q")]) == [.unknown])
        guard case .waiting(_, let error) = publisher.state else {
          Issue.record("\(publisher.state)")
          return
        }
        #expect(error.contains("127.0.0.1:1"))
      }
    }

    @Test func afterStopTheOutcomeIsUnknown() async throws {
      let stopped = try await TestBroker.withPublisher { $0 }
      #expect(await stopped.publish([TestBroker.message("q")]) == [.unknown])
      #expect(stopped.state == .stopped)
    }

    @Test func anAlarmHoldsPublishingBack() async throws {
      try await TestBroker.withQueue("alarm") { queue in
        try await TestBroker.withPublisher { publisher in
          #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
          try await TestBroker.script("ctl", "-q", "set_vm_memory_high_watermark", "0.0000001")
          async let held = publisher.publish((0..<10).map { _ in TestBroker.message(queue) })
          await publisher.wait { if case .blocked = $0 { true } else { false } }
          try await TestBroker.script("ctl", "-q", "set_vm_memory_high_watermark", "0.4")
          #expect(await held == Array(repeating: .confirmed, count: 10))
          guard case .connected = publisher.state else {
            Issue.record("\(publisher.state)")
            return
          }
        }
      }
    }
  }
}
