import Testing
import Wire

@testable import AMQP

extension BrokerTests {
  @Suite struct Topologies {
    private func topology(_ name: String) -> Topology {
      Topology(
        exchanges: [
          .init(name: "\(name).other", kind: "fanout"),
          .init(name: name, kind: "topic", alternateExchange: "\(name).other"),
        ],
        queues: [
          .init(
            name: "\(name).q",
            arguments: [
              "x-queue-type": .string("quorum"), "x-dead-letter-exchange": .string("\(name).other"),
              "x-overflow": .string("reject-publish"), "x-dead-letter-strategy": .string("at-least-once"),
              "x-delivery-limit": .int32(100),
            ]),
          .init(
            name: "\(name).unclaimed",
            arguments: ["x-message-ttl": .int64(604_800_000), "x-max-length-bytes": .int64(1 << 30)]),
        ],
        bindings: [
          .init(exchange: name, destination: .queue("\(name).q"), routingKey: "interactive.#"),
          .init(exchange: "\(name).other", destination: .queue("\(name).unclaimed"), routingKey: ""),
          .init(exchange: name, destination: .exchange("\(name).other"), routingKey: "both"),
        ])
    }

    @Test func missingCreatedMatchingDiffering() async throws {
      let name = TestBroker.unique("topology")
      var topology = topology(name)
      let configuration = try TestBroker.configuration()

      let before = try await topology.check(configuration, declare: false)
      #expect(before.missing.count == 4)
      #expect(before.refusal?.contains("exchange '\(name).other', exchange '\(name)', queue '\(name).q'") == true)

      let created = try await topology.check(configuration, declare: true)
      #expect(
        created.entries.map(\.finding) == Array(repeating: .created, count: 4) + Array(repeating: .matching, count: 3))
      #expect(created.refusal == nil)

      let again = try await topology.check(configuration, declare: true)
      #expect(again.entries.map(\.finding) == Array(repeating: .matching, count: 7))
      let looked = try await topology.check(configuration, declare: false)
      #expect(looked.entries.prefix(4).allSatisfy { $0.finding == .matching })

      topology.queues[0].arguments["x-delivery-limit"] = .int32(3)
      topology.exchanges[1].kind = "direct"
      let other = try await topology.check(configuration, declare: true)
      #expect(other.differing.count == 2)
      guard case .differs(let detail) = other["queue '\(name).q'"] else {
        Issue.record("\(other)")
        return
      }
      #expect(detail.contains("x-delivery-limit") && detail.contains("100") && detail.contains("3"))
      guard case .differs(let kind) = other["exchange '\(name)'"] else {
        Issue.record("\(other)")
        return
      }
      #expect(kind.contains("direct") && kind.contains("topic"))
      #expect(other["queue '\(name).unclaimed'"] == .matching)

      // Messages that no binding takes go to the alternate exchange, so they do not come back.
      try await TestBroker.withPublisher { publisher in
        let message = TestBroker.message("elsewhere", "x", exchange: name)
        #expect(await publisher.publish([message]) == [.confirmed])
      }
      #expect(try await configuration.queueInfo("\(name).unclaimed").readyMessages == 1)
      for queue in ["\(name).q", "\(name).unclaimed"] { try await TestBroker.delete(queue) }
    }

    @Test func withoutPermissionItIsUnverified() async throws {
      let user = TestBroker.unique("reader")
      try await TestBroker.withQueue("foreign") { queue in
        try await TestBroker.script("ctl", "-q", "add_user", user, "pw")
        try await TestBroker.script("ctl", "-q", "set_permissions", user, "^$", ".*", ".*")
        var configuration = try TestBroker.configuration()
        configuration.user = user
        configuration.password = Password("pw")
        let topology = Topology(queues: [.init(name: queue), .init(name: queue + ".missing")])
        let report = try await topology.check(configuration, declare: true)
        guard case .unverified(let reason) = report["queue '\(queue)'"] else {
          Issue.record("\(report)")
          return
        }
        #expect(reason.contains("ACCESS_REFUSED"))
        guard case .missing(let why) = report["queue '\(queue).missing'"] else {
          Issue.record("\(report)")
          return
        }
        #expect(why.contains("ACCESS_REFUSED"))
        try await TestBroker.script("ctl", "-q", "delete_user", user)
      }
    }

    @Test func probeSaysWhoAnswers() async throws {
      let broker = try await TestBroker.configuration().probe()
      #expect(broker.product == "RabbitMQ" && broker.version.contains("."))
    }

    @Test func probeNamesWhatIsWrong() async throws {
      var configuration = try TestBroker.configuration()
      configuration.password = Password("s3cret")
      try await expectRefusal(configuration, kind: .refused, mentions: ["guest", "ACCESS_REFUSED"])
      configuration = try TestBroker.configuration()
      configuration.virtualHost = "nowhere"
      try await expectRefusal(configuration, kind: .refused, mentions: ["nowhere"])
      configuration = try TestBroker.configuration()
      configuration.endpoints = [.init(host: "no-such-host.invalid", port: 5672)]
      try await expectRefusal(
        configuration, kind: .unreachable, mentions: ["no-such-host.invalid:5672", "cannot be resolved", "amqp.url"])
      configuration.endpoints = [.init(host: "127.0.0.1", port: 1)]
      try await expectRefusal(
        configuration, kind: .unreachable, mentions: ["127.0.0.1:1", "nothing accepts connections", "amqp.url"])
    }

    private func expectRefusal(
      _ configuration: ConnectionConfiguration, kind: AMQPError.Kind, mentions: [String]
    ) async throws {
      do {
        let broker = try await configuration.probe()
        Issue.record("\(broker) let us in")
      } catch {
        #expect(error.kind == kind, "\(error)")
        for mention in mentions { #expect(error.description.contains(mention), "\(error)") }
        #expect(!error.description.contains("s3cret"))
      }
    }
  }
}
