import Testing
import Wire

@testable import AMQP

extension BrokerTests {
  @Suite struct Consuming {
    @Test func ackRequeueAndDiscard() async throws {
      try await TestBroker.withQueue("dead") { dead in
        let arguments: FieldTable = [
          "x-dead-letter-exchange": .string(""), "x-dead-letter-routing-key": .string(dead),
        ]
        try await TestBroker.withQueue("work", arguments: arguments) { queue in
          try await TestBroker.withPublisher { publisher in
            _ = await publisher.publish(["keep", "again", "poison"].map { TestBroker.message(queue, $0) })
          }
          try await TestBroker.withConsumer(.queue(queue)) { consumer in
            let first = try await consumer.take(3)
            #expect(first.map(\.text) == ["keep", "again", "poison"])
            #expect(first.allSatisfy { !$0.redelivered })
            consumer.settle([
              Settlement(first[0].token, .ack), Settlement(first[1].token, .requeue),
              Settlement(first[2].token, .discard), Settlement(first[0].token, .ack),
              Settlement(DeliveryToken(generation: first[0].token.generation, tag: 0), .ack),
            ])
            let second = try await consumer.take(1)
            #expect(second.map(\.text) == ["again"] && second[0].redelivered)
            consumer.settle(second)
            #expect(await consumer.barrier())
            #expect(consumer.counters.settlements == 4)
            #expect(consumer.counters.doubleSettlements == 2)
            #expect(consumer.counters.channelCloses == 0)
          }
          #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 0)
          try await TestBroker.withConsumer(.queue(dead)) { consumer in
            let poison = try await consumer.take(1)
            #expect(poison[0].text == "poison")
            #expect(poison[0].properties.headers?["x-death"] != nil)
            consumer.settle(poison)
          }
        }
      }
    }

    @Test func prefetchBoundsWhatIsOut() async throws {
      try await TestBroker.withQueue("prefetch") { queue in
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<50).map { TestBroker.message(queue, "\($0)") })
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 7) { consumer in
          let first = try await consumer.take(7)
          #expect(first.count == 7)
          // The passive look goes the way of everything else, so more deliveries would have come before it.
          let info = try #require(await consumer.queueInfo())
          #expect(info == QueueInfo(name: queue, readyMessages: 43, consumers: 1, ownConsumers: 1))
          consumer.settle(first)
          let rest = try await consumer.take(7)
          #expect(rest.map(\.text) == (7..<14).map(String.init))
          consumer.settle(rest)
        }
        // What was delivered and not settled went back.
        #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 36)
      }
    }

    @Test func aChunkIsBoundedAndInOrder() async throws {
      try await TestBroker.withQueue("chunks") { queue in
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<3000).map { TestBroker.message(queue, "\($0)") })
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 1000) { consumer in
          var seen = 0
          while seen < 3000 {
            let chunk = try #require(await consumer.next())
            #expect(!chunk.isEmpty && chunk.count <= 64)
            #expect(chunk.map(\.text) == (seen..<(seen + chunk.count)).map(String.init))
            seen += chunk.count
            consumer.settle(chunk)
          }
          #expect(await consumer.barrier())
        }
        #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 0)
      }
    }

    @Test func leavesTheQueueWhileTooManyBytesAreOut() async throws {
      try await TestBroker.withQueue("bytes") { queue in
        let body = String(repeating: "x", count: 10_000)
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<40).map { _ in TestBroker.message(queue, body) })
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 10, maxUnackedBytes: 50_000) { consumer in
          var held = try await consumer.take(10)
          // The consumer is gone from the queue as soon as it has seen more than it may hold.
          while try #require(await consumer.queueInfo()).consumers > 0 {}
          var total = 0
          while total < 40 {
            consumer.settle(held)
            total += held.count
            if total < 40 { held = try await consumer.take(1) }
          }
          #expect(await consumer.barrier())
          #expect(consumer.counters.settlements == 40)
        }
      }
    }

    @Test func pauseAndResume() async throws {
      try await TestBroker.withQueue("pause") { queue in
        try await TestBroker.withPublisher { publisher in
          try await TestBroker.withConsumer(.queue(queue)) { consumer in
            await consumer.waitUntilConnected()
            consumer.pause()
            while try #require(await consumer.queueInfo()).consumers > 0 {}
            #expect(await publisher.publish([TestBroker.message(queue, "later")]) == [.confirmed])
            #expect(try #require(await consumer.queueInfo()).readyMessages == 1)
            consumer.resume()
            let late = try await consumer.take(1)
            #expect(late[0].text == "later")
            consumer.settle(late)
          }
        }
      }
    }

    /// The broker counts a consumer that was ended until all that it got is settled, and so do we.
    @Test func tellsItsOwnConsumersFromOthers() async throws {
      try await TestBroker.withQueue("own", arguments: ["x-queue-type": .string("quorum")]) { queue in
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<6).map { TestBroker.message(queue, "\($0)") })
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 2) { consumer in
          var held = try await consumer.take(2)
          for round in 0..<2 {
            consumer.pause()
            while try #require(await consumer.queueInfo()).consumers != round + 1 {}
            consumer.resume()
            held += try await consumer.take(2)
            let info = try #require(await consumer.queueInfo())
            #expect(info.consumers == round + 2)
            #expect(info.ownConsumers == info.consumers)
          }
          consumer.settle(Array(held[2...]))
          while try #require(await consumer.queueInfo()).consumers != 2 {}
          #expect(try #require(await consumer.queueInfo()).ownConsumers == 2)
          try await TestBroker.withConsumer(.queue(queue)) { other in
            await other.waitUntilConnected()
            let info = try #require(await consumer.queueInfo())
            #expect(info.consumers == 3 && info.ownConsumers == 2)
          }
          consumer.settle([held[0], held[1]])
          while try #require(await consumer.queueInfo()).consumers != 1 {}
          #expect(try #require(await consumer.queueInfo()).ownConsumers == 1)
        }
      }
    }

    @Test func settlesAfterDeliveriesEnded() async throws {
      try await TestBroker.withQueue("drain") { queue in
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<5).map { TestBroker.message(queue, "\($0)") })
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 2) { consumer in
          let held = try await consumer.take(2)
          consumer.finishDelivering()
          #expect(await consumer.next() == nil)
          consumer.settle(held)
          #expect(await consumer.barrier())
        }
        #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 3)
      }
    }

    @Test func stopWritesTheSettlementsMadeBefore() async throws {
      try await TestBroker.withQueue("flush") { queue in
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<500).map { TestBroker.message(queue, "\($0)") })
        }
        let consumer = try await TestBroker.withConsumer(.queue(queue), prefetch: 500) { consumer in
          consumer.settle(try await consumer.take(500))
          return consumer
        }
        #expect(await consumer.next() == nil)
        #expect(await !consumer.barrier())
        #expect(consumer.state == .stopped)
        #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 0)
      }
    }

    @Test func aTemporaryQueueOfOnesOwn() async throws {
      let exchange = TestBroker.unique("replies")
      let topology = Topology(exchanges: [.init(name: exchange, kind: "topic", durable: false)])
      _ = try await topology.check(TestBroker.configuration(), declare: true)
      let source = ConsumerSource.temporary(exchange: exchange, bindingKeys: ["a", "b"])
      try await TestBroker.withConsumer(source) { consumer in
        await consumer.waitUntilConnected()
        #expect(consumer.queueName?.hasPrefix("amq.gen-") == true)
        try await TestBroker.withPublisher { publisher in
          let outcomes = await publisher.publish(
            ["a", "c", "b"].map { TestBroker.message($0, $0, exchange: exchange) })
          #expect(outcomes == [.confirmed, .returned(code: 312, text: "NO_ROUTE"), .confirmed])
        }
        #expect(try await consumer.take(2).map(\.text) == ["a", "b"])
      }
    }

    @Test func aMissingQueueIsNamedAndFoundLater() async throws {
      let queue = TestBroker.unique("late")
      try await TestBroker.withConsumer(.queue(queue)) { consumer in
        await consumer.wait {
          if case .waiting(_, let error) = $0 { error.contains(queue) && error.contains("NOT_FOUND") } else { false }
        }
        try await TestBroker.declare(queue)
        await consumer.waitUntilConnected()
        try await TestBroker.delete(queue)
      }
    }

    @Test func aDeletedQueueIsLookedForAgain() async throws {
      let queue = TestBroker.unique("deleted")
      try await TestBroker.declare(queue)
      try await TestBroker.withConsumer(.queue(queue)) { consumer in
        await consumer.waitUntilConnected()
        try await TestBroker.delete(queue)
        await consumer.wait { if case .consumerCancelled = $0 { true } else { false } }
        #expect(await consumer.barrier())
        try await TestBroker.declare(queue)
        await consumer.waitUntilConnected()
        try await TestBroker.withPublisher { publisher in
          #expect(await publisher.publish([TestBroker.message(queue, "back")]) == [.confirmed])
        }
        let back = try await consumer.take(1)
        #expect(back[0].text == "back")
        consumer.settle(back)
        #expect(consumer.counters.reconnects == 0)
      }
      try await TestBroker.delete(queue)
    }

    @Test func stopWhileThereIsNoBroker() async throws {
      var configuration = try TestBroker.configuration()
      configuration.endpoints = [.init(host: "127.0.0.1", port: 1)]
      try await TestBroker.withConsumer(.queue("q"), configuration: configuration) { consumer in
        await consumer.wait { if case .waiting = $0 { true } else { false } }
        #expect(await !consumer.barrier())
        consumer.settle([Settlement(DeliveryToken(generation: 1, tag: 1), .ack)])
      }
    }

    @Test func cancellingTheTaskStops() async throws {
      let consumer = Consumer(
        configuration: try TestBroker.configuration(), source: .temporary(), prefetch: 1, maxUnackedBytes: 1,
        logger: TestBroker.quiet)
      await withTaskGroup { group in
        group.addTask { await consumer.run() }
        await consumer.waitUntilConnected()
        group.cancelAll()
      }
      #expect(consumer.state == .stopped)
      await consumer.stop()
    }
  }
}
