import Foundation
import Logging
import Testing
import Wire

@testable import AMQP

/// The tests that need a RabbitMQ. One at a time: some of them take the broker away from all.
@Suite(
  "With a broker", .serialized, .timeLimit(.minutes(4)),
  .enabled(if: TestBroker.url != nil, "MILLRACE_TEST_AMQP_URL is not set; Deploy/lib/broker.sh starts a broker"))
struct BrokerTests {}

enum TestBroker {
  static let url = ProcessInfo.processInfo.environment["MILLRACE_TEST_AMQP_URL"]
  /// The folder that `broker.sh start` was given.
  static let folder = ProcessInfo.processInfo.environment["MILLRACE_TEST_BROKER_DIR"]

  static let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  static func configuration(_ name: String = "test") throws -> ConnectionConfiguration {
    try ConnectionConfiguration(urls: [#require(url)]).named(name)
  }

  static func unique(_ name: String) -> String { "test.\(name).\(UInt64.random(in: 0...UInt64.max))" }

  static func file(_ name: String) throws -> String { "\(try #require(folder))/\(name)" }

  static func contents(_ name: String) throws -> String {
    try String(contentsOfFile: file(name), encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Runs `broker.sh` on the test broker and requires that it succeeds.
  static func script(_ command: String, _ arguments: String...) async throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Deploy/lib/broker.sh").resolvingSymlinksInPath()
    let words = ["sh", script.path, command, try #require(folder)] + arguments
    let status = await withCheckedContinuation { (continuation: CheckedContinuation<Int32, Never>) in
      // Foundation's Process would wait for the broker too, which outlives the script and inherits its descriptors.
      Thread.detachNewThread { continuation.resume(returning: run(words)) }
    }
    try #require(status == 0, "broker.sh \(command) \(arguments) failed")
  }

  private static func run(_ words: [String]) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    guard posix_spawn(&process, "/bin/sh", &actions, nil, &arguments, environ) == 0 else { return -1 }
    var status: Int32 = -1
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status
  }

  /// Declares a queue for `body` and deletes it afterwards.
  static func withQueue<Value>(
    _ name: String, arguments: FieldTable = FieldTable(), _ body: (String) async throws -> Value
  ) async throws -> Value {
    let name = unique(name)
    try await declare(name, arguments: arguments)
    do {
      let value = try await body(name)
      try await delete(name)
      return value
    } catch {
      try? await delete(name)
      throw error
    }
  }

  static func declare(_ name: String, arguments: FieldTable = FieldTable()) async throws {
    let report = try await Topology(queues: [.init(name: name, arguments: arguments)])
      .check(configuration(), declare: true)
    try #require(report["queue '\(name)'"] == .created)
  }

  static func delete(_ name: String) async throws {
    _ = try await TemporaryLink.with(configuration()) { (link) throws(AMQPError) in
      try await link.call(.queueDelete(name: name))
    }
  }

  static func withPublisher<Value>(
    _ limits: PublisherConfiguration = .init(), configuration: ConnectionConfiguration? = nil,
    _ body: (Publisher) async throws -> Value
  ) async throws -> Value {
    let publisher = Publisher(
      configuration: try configuration ?? self.configuration("publisher"), limits: limits, logger: quiet)
    async let running: Void = publisher.run()
    let result: Result<Value, any Error>
    do { result = .success(try await body(publisher)) } catch { result = .failure(error) }
    await publisher.stop()
    await running
    return try result.get()
  }

  static func withConsumer<Value>(
    _ source: ConsumerSource, prefetch: Int = 100, maxUnackedBytes: Int = .max,
    configuration: ConnectionConfiguration? = nil, _ body: (Consumer) async throws -> Value
  ) async throws -> Value {
    let consumer = Consumer(
      configuration: try configuration ?? self.configuration("consumer"), source: source, prefetch: prefetch,
      maxUnackedBytes: maxUnackedBytes, logger: quiet)
    async let running: Void = consumer.run()
    let result: Result<Value, any Error>
    do { result = .success(try await body(consumer)) } catch { result = .failure(error) }
    await consumer.stop()
    await running
    return try result.get()
  }

  static func message(
    _ queue: String, _ body: String = "", exchange: String = "", _ change: (inout MessageProperties) -> Void = { _ in }
  ) -> OutboundMessage {
    var properties = MessageProperties()
    properties.deliveryMode = 2
    change(&properties)
    return OutboundMessage(
      exchange: exchange, routingKey: Array(queue.utf8), properties: properties, body: Array(body.utf8))
  }
}

extension Consumer {
  /// Reads until `count` deliveries came.
  func take(_ count: Int) async throws -> [Delivery] {
    var taken: [Delivery] = []
    while taken.count < count { taken += try #require(await next()) }
    return taken
  }

  func settle(_ deliveries: [Delivery], _ verdict: Settlement.Verdict = .ack) {
    settle(deliveries.map { Settlement($0.token, verdict) })
  }

  func wait(for state: (LinkState) -> Bool) async {
    for await next in updates() where state(next) { return }
  }

  func waitUntilConnected() async { await wait { if case .connected = $0 { true } else { false } } }
}

extension Publisher {
  func wait(for state: (LinkState) -> Bool) async {
    for await next in updates() where state(next) { return }
  }
}

extension Delivery {
  var text: String { String(decoding: body, as: UTF8.self) }
}
