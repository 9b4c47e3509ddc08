import Glibc
import Testing
import Wire

@testable import AMQP

extension BrokerTests {
  @Suite(.enabled(if: TestBroker.folder != nil, "MILLRACE_TEST_BROKER_DIR is not set"))
  struct Reconnecting {
    @Test func staleSettlementsAreDroppedAndAllComesAgain() async throws {
      try await TestBroker.withQueue("cut", arguments: ["x-queue-type": .string("quorum")]) { queue in
        try await TestBroker.withPublisher { publisher in
          _ = await publisher.publish((0..<20).map { TestBroker.message(queue, "\($0)") })
        }
        try await TestBroker.withConsumer(.queue(queue)) { consumer in
          let first = try await consumer.take(20)
          try await TestBroker.script("ctl", "-q", "close_all_connections", "test")
          let second = try await consumer.take(20)
          #expect(second.map(\.text) == first.map(\.text))
          #expect(second.allSatisfy { $0.redelivered && $0.token.generation > first[0].token.generation })
          consumer.settle(first)
          #expect(await consumer.barrier())
          #expect(consumer.counters.staleSettlements == 20)
          #expect(consumer.counters.settlements == 0)
          consumer.settle(second)
          #expect(await consumer.barrier())
          #expect(consumer.counters.reconnects == 1)
          #expect(consumer.counters.channelCloses == 0)
        }
        #expect(try await TestBroker.configuration().queueInfo(queue).readyMessages == 0)
      }
    }

    @Test func aPublisherLosesNothingOverARestart() async throws {
      try await TestBroker.withQueue("restart", arguments: ["x-queue-type": .string("quorum")]) { queue in
        let confirmed = try await TestBroker.withPublisher { publisher in
          await publisher.wait { if case .connected = $0 { true } else { false } }
          async let restart: Void = TestBroker.script("restart")
          var confirmed: Set<Int> = []
          var unknown = 0
          var next = 0
          // Goes on until the broker was away and is back.
          while publisher.counters.reconnects == 0 || next < 2000 {
            let numbers = next..<(next + 100)
            next += 100
            let outcomes = await publisher.publish(numbers.map { TestBroker.message(queue, "\($0)") })
            for (number, outcome) in zip(numbers, outcomes) {
              switch outcome {
              case .confirmed: confirmed.insert(number)
              case .unknown: unknown += 1
              default: Issue.record("\(outcome)")
              }
            }
          }
          try await restart
          #expect(unknown < next)
          return confirmed
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 1000) { consumer in
          var missing = confirmed
          while !missing.isEmpty {
            let chunk = try #require(await consumer.next())
            for delivery in chunk { missing.remove(Int(delivery.text) ?? -1) }
            consumer.settle(chunk)
          }
          #expect(await consumer.barrier())
        }
      }
    }

    @Test func aBarrierOfALostConnectionFails() async throws {
      try await TestBroker.withQueue("barrier") { queue in
        try await TestBroker.withConsumer(.queue(queue)) { consumer in
          await consumer.waitUntilConnected()
          #expect(await consumer.barrier(of: 1))
          try await TestBroker.script("kill")
          await consumer.wait { if case .waiting = $0 { true } else { false } }
          #expect(await !consumer.barrier())
          #expect(await consumer.queueInfo() == nil)
          try await TestBroker.script("start")
          await consumer.waitUntilConnected()
          #expect(await consumer.barrier())
          // What the first channel did not answer for is not answered for by a later one.
          #expect(await !consumer.barrier(of: 1))
        }
      }
    }

    @Test func aFrozenBrokerIsNoticed() async throws {
      let process = try #require(pid_t(TestBroker.contents("pid")))
      var configuration = try TestBroker.configuration()
      configuration.heartbeat = .seconds(1)
      configuration.connectTimeout = .seconds(1)
      try await TestBroker.withQueue("frozen") { queue in
        try await TestBroker.withConsumer(.queue(queue), configuration: configuration) { consumer in
          try await TestBroker.withPublisher(configuration: configuration) { publisher in
            await consumer.waitUntilConnected()
            #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
            #expect(kill(process, SIGSTOP) == 0)
            defer { kill(process, SIGCONT) }
            let start = ContinuousClock.now
            // More than the sockets take, so that the writer is stuck half-way.
            let body = [UInt8](repeating: 1, count: 30_000_000)
            let message = OutboundMessage(
              exchange: "", routingKey: Array(queue.utf8), properties: MessageProperties(), body: body)
            #expect(await publisher.publish([message]) == [.unknown])
            await consumer.wait { if case .waiting = $0 { true } else { false } }
            #expect(ContinuousClock.now - start < .seconds(5))
            kill(process, SIGCONT)
            await consumer.waitUntilConnected()
            #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
          }
        }
      }
    }

    @Test func aConfirmThatDoesNotComeIsUnknown() async throws {
      let process = try #require(pid_t(TestBroker.contents("pid")))
      var configuration = try TestBroker.configuration()
      configuration.heartbeat = .zero
      configuration.connectTimeout = .seconds(1)
      var limits = PublisherConfiguration()
      limits.confirmTimeout = .milliseconds(300)
      try await TestBroker.withQueue("late") { queue in
        try await TestBroker.withPublisher(limits, configuration: configuration) { publisher in
          #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
          #expect(kill(process, SIGSTOP) == 0)
          defer { kill(process, SIGCONT) }
          #expect(
            await publisher.publish([TestBroker.message(queue), TestBroker.message(queue)]) == [.unknown, .unknown])
          kill(process, SIGCONT)
          #expect(await publisher.publish([TestBroker.message(queue)]) == [.confirmed])
          #expect(publisher.counters.reconnects == 1)
        }
      }
    }

    @Test func startsAndStopsInAnyOrder() async throws {
      let configuration = try TestBroker.configuration()
      try await withThrowingTaskGroup { group in
        for round in 0..<40 {
          group.addTask {
            let consumer = Consumer(
              configuration: configuration, source: .temporary(), prefetch: 1, maxUnackedBytes: 1,
              logger: TestBroker.quiet)
            let publisher = Publisher(configuration: configuration, logger: TestBroker.quiet)
            await withTaskGroup { group in
              group.addTask { await consumer.run() }
              group.addTask { await publisher.run() }
              group.addTask { while await consumer.next() != nil {} }
              group.addTask { _ = await publisher.publish([TestBroker.message("nowhere")]) }
              for _ in 0..<(round * 37 % 400) { await Task.yield() }
              group.addTask { await consumer.stop() }
              group.addTask { await consumer.stop() }
              group.addTask { await publisher.stop() }
            }
            #expect(consumer.state == .stopped && publisher.state == .stopped)
          }
        }
        try await group.waitForAll()
      }
    }
  }
}
