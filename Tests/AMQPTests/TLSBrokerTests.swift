import Foundation
import Testing
import Wire

@testable import AMQP

extension BrokerTests {
  /// The broker's certificate names localhost and 127.0.0.1, and clients must show one of the same authority.
  @Suite(
    .enabled(
      if: TestBroker.folder.map { FileManager.default.fileExists(atPath: $0 + "/tls-port") } ?? false,
      "the test broker was not started with MILLRACE_BROKER_TLS=1"))
  struct TLS {
    private func configuration(
      host: String = "localhost", _ change: (inout TLSConfiguration) throws -> Void = { _ in }
    ) throws -> ConnectionConfiguration {
      var configuration = try TestBroker.configuration()
      configuration.endpoints = [.init(host: host, port: try #require(UInt16(TestBroker.contents("tls-port"))))]
      var tls = TLSConfiguration(
        caFile: try TestBroker.file("tls/ca.pem"), certificateFile: try TestBroker.file("tls/client.pem"),
        keyFile: try TestBroker.file("tls/client.key"))
      try change(&tls)
      configuration.tls = tls
      return configuration
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func publishesAndConsumes(host: String) async throws {
      let configuration = try configuration(host: host)
      try await TestBroker.withQueue("tls") { queue in
        try await TestBroker.withPublisher(configuration: configuration) { publisher in
          var messages = (0..<2000).map { TestBroker.message(queue, "\($0)") }
          messages.append(TestBroker.message(queue, String(repeating: "y", count: 3_000_000)))
          #expect(await publisher.publish(messages) == Array(repeating: .confirmed, count: 2001))
        }
        try await TestBroker.withConsumer(.queue(queue), prefetch: 500, configuration: configuration) { consumer in
          var count = 0
          while count < 2001 {
            let chunk = try #require(await consumer.next())
            count += chunk.count
            if count == 2001 { #expect(chunk.last?.body.count == 3_000_000) }
            consumer.settle(chunk)
          }
          #expect(await consumer.barrier())
        }
      }
    }

    @Test func anotherNameIsRefused() async throws {
      try await expectFailure(configuration(host: "127.0.0.2"), .tls, "127.0.0.2")
    }

    @Test func anUnknownAuthorityIsRefused() async throws {
      try await expectFailure(configuration { $0.caFile = nil }, .tls, "certificate")
    }

    @Test func withoutAClientCertificateTheBrokerRefuses() async throws {
      do {
        _ = try await configuration { ($0.certificateFile, $0.keyFile) = (nil, nil) }.probe()
        Issue.record("let in without a certificate")
      } catch {
        // With TLS 1.3 the refusal may come after the handshake, inside the login.
        #expect(error is AMQPError)
      }
    }

    @Test func filesThatCannotBeUsedAreNamed() async throws {
      try await expectFailure(configuration { $0.caFile = "/no/such/ca.pem" }, .configuration, "/no/such/ca.pem")
      try await expectFailure(configuration { $0.keyFile = "/no/such.key" }, .configuration, "/no/such.key")
      try await expectFailure(configuration { $0.keyFile = nil }, .configuration, "key")
    }

    @Test func verificationCanBeSwitchedOff() async throws {
      let broker = try await configuration(host: "127.0.0.2") {
        $0.caFile = nil
        $0.verify = false
      }.probe()
      #expect(broker.product == "RabbitMQ")
    }

    @Test func tlsToAPlainPortEndsWithAnError() async throws {
      var configuration = try configuration()
      configuration.endpoints = try TestBroker.configuration().endpoints
      configuration.connectTimeout = .seconds(3)
      try await expectFailure(configuration, .tls, "TLS")
    }

    private func expectFailure(
      _ configuration: ConnectionConfiguration, _ kind: AMQPError.Kind, _ mention: String
    ) async throws {
      do {
        _ = try await configuration.probe()
        Issue.record("connected")
      } catch {
        #expect(error.kind == kind, "\(error)")
        #expect(error.description.contains(mention), "\(error)")
      }
    }
  }
}
