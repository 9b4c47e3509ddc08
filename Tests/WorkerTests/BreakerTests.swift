import BatchCore
import Ledger
import TestSupport
import Testing
import Threading
import Wire

@testable import Worker

/// Breakers as an operator sees and closes them.
@Suite(.timeLimit(.minutes(4)))
struct BreakerTests {
  /// A provider whose key is refused until it is told otherwise.
  private final class Account: Sendable {
    let provider = ScriptedProvider()
    private let isRefused = Locked(true)

    init() {
      provider.onCall { [isRefused] _, call in
        isRefused.withLock { $0 }
          ? ScriptedProvider.failure(.accountClosed(.unauthorised), status: 401) : ScriptedProvider.success(of: call)
      }
    }

    func accept() { isRefused.withLock { $0 = false } }
  }

  private static let pause = Duration.seconds(100_000)

  /// Probes are so far away that no test sees one.
  private static func patient(_ pipeline: Pipeline) {
    pipeline.pace.breaker.open = pause
    pipeline.pace.breaker.longestOpen = pause
  }

  @Test func whatWaitsGoesOnAtOnceWhenAnOperatorClosesIt() async throws {
    let account = Account()
    try await Pipeline.run(account.provider, configure: Self.patient) { pipeline in
      let worker = try #require(pipeline.worker)
      #expect(try await worker.openBreakers().isEmpty)
      pipeline.push((0..<5).map { Message("m\($0)") }, to: .interactive)
      try await pipeline.until("the requests to be parked") { pipeline.interactive.count(.ack) == 5 }
      let open = try await worker.openBreakers()
      #expect(open.map(\.key) == [GateKey(account: account.provider.account, model: "gpt-4o-mini")])
      let breaker = try #require(open.first)
      #expect(breaker.cause == .fault(.unauthorised) && !breaker.isProbing)
      #expect(breaker.nextProbe > Self.pause / 2 && breaker.age.map { $0 < .seconds(3600) } ?? false)
      #expect(pipeline.alerted.withLock { $0.map(\.isRaised) } == [true])

      // Closed too early, it opens again with the next call.
      let calls = account.provider.calls.count
      try await worker.closeBreakers(open)
      try await pipeline.until("it to open again") {
        let again = try await worker.openBreakers()
        return account.provider.calls.count > calls && again.map(\.cause) == [.fault(.unauthorised)]
      }
      try await pipeline.quiet()
      #expect(try pipeline.replies().isEmpty)

      account.accept()
      let began = pipeline.clock.monotonic()
      try await worker.closeBreakers(try await worker.openBreakers())
      _ = try await pipeline.untilReplies(5)
      #expect(pipeline.clock.monotonic() - began < .seconds(60))
      #expect(try await worker.openBreakers().isEmpty && pipeline.health.current.isEmpty)
      #expect(pipeline.alerted.withLock { $0.map(\.isRaised) } == [true, false, true, false])
    }
  }

  @Test func batchesGoOnToo() async throws {
    let provider = ScriptedProvider()
    provider.fail(.upload, .refused(ProviderError(.accountClosed(.billing), isAmbiguous: false, message: "no credit")))
    try await Pipeline.run(provider, configure: Self.patient) { pipeline in
      let worker = try #require(pipeline.worker)
      pipeline.push((0..<5).map { Message("m\($0)") })
      try await pipeline.until("the breaker to open") { try await !worker.openBreakers().isEmpty }
      let open = try await worker.openBreakers()
      #expect(open.map(\.key) == [GateKey(account: provider.account, model: "")])
      #expect(open.map(\.cause) == [.fault(.billing)])
      let looks = pipeline.ledger.count(.backlog)
      try await pipeline.until("a while to pass") { pipeline.ledger.count(.backlog) > looks + 20 }
      #expect(provider.created.isEmpty)
      let began = pipeline.clock.monotonic()
      try await worker.closeBreakers(open)
      _ = try await pipeline.untilReplies(5)
      #expect(pipeline.clock.monotonic() - began < Self.pause / 2)
    }
  }

  @Test func replicasAreToldOnceAndOneClosesForAll() async throws {
    let account = Account()
    try await Replicas.run(account.provider, configure: Self.patient) { replicas in
      // The second has a call of the model too, so that it learns of the breaker.
      replicas.first.push((0..<5).map { Message("a\($0)") }, to: .interactive)
      replicas.second.push((0..<5).map { Message("b\($0)") }, to: .interactive)
      try await replicas.until("the requests to be parked") {
        replicas.all.allSatisfy { $0.interactive.count(.ack) == 5 && !$0.health.current.isEmpty }
      }
      #expect(replicas.all.flatMap { $0.alerted.withLock { $0.map(\.isRaised) } } == [true])
      for pipeline in replicas.all {
        #expect(try await pipeline.worker?.openBreakers().map(\.cause) == [.fault(.unauthorised)])
      }
      account.accept()
      let began = replicas.clock.monotonic()
      let worker = try #require(replicas.second.worker)
      try await worker.closeBreakers(try await worker.openBreakers())
      try await replicas.until("the replies, and all to know it") {
        try replicas.replies().count == 10 && replicas.all.allSatisfy { $0.health.current.isEmpty }
      }
      #expect(replicas.clock.monotonic() - began < Self.pause / 2)
      #expect(try await worker.openBreakers().isEmpty)
      #expect(replicas.second.alerted.withLock { $0.last?.isRaised } == false)
      #expect(replicas.all.reduce(0) { $0 + $1.alerted.withLock { $0.count } } == 2)
    }
  }
}
