import BatchCore
import CoreMetrics
import Logging
import TestSupport
import Testing
import Threading

@testable import Worker

/// What is said about pauses, and whom they concern.
@Suite(.timeLimit(.minutes(4)))
struct HoldsTests {
  private let clock = TestClock()
  private let health = HealthBoard()
  private let told = Locked([(text: String, isRaised: Bool)]())
  private let provider = ScriptedProvider()

  private func makeHolds() -> Holds {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let metrics = WorkerMetrics(factory: NOOPMetricsHandler.instance)
    return Holds(
      longest: .seconds(300), time: clock, health: health, metrics: metrics,
      alerts: Alerts(logger: logger, metrics: metrics) { [told] alert in
        told.withLock { $0.append((alert.text, alert.isRaised)) }
      }, logger: logger)
  }

  private func asks(for pause: Duration) -> ProviderError {
    ProviderError(.unavailable(retryAfter: pause), isAmbiguous: false, message: "later")
  }

  @Test func aPauseIsOfOneKindAndOneAccount() throws {
    let holds = makeHolds()
    #expect(try !holds.begin(.upload, at: provider))
    holds.ended(.upload, at: provider, isProbe: false, asks(for: .seconds(60)))
    do throws(ProviderError) {
      _ = try holds.begin(.upload, at: provider)
      Issue.record("it went too early")
    } catch {
      #expect(error.reason == .rateLimited(retryAfter: .seconds(60)))
      #expect(!error.isAmbiguous)
    }
    #expect(try !holds.begin(.create, at: provider))
    #expect(try !holds.begin(.upload, at: ScriptedProvider(account: "another key")))
    clock.advance(by: .seconds(60))
    #expect(try !holds.begin(.upload, at: provider))
    #expect(told.withLock { $0.isEmpty })
  }

  @Test(arguments: [
    (Duration.unreadableRetryAfter, "sends a retry-after that cannot be read"), (.seconds(3600), "asks for 3600 s"),
  ])
  func aPauseThatNobodyWaitsOutIsAlertedOnceAndOver(pause: Duration, words: String) throws {
    let holds = makeHolds()
    holds.ended(.poll, at: provider, isProbe: false, asks(for: pause))
    // What was on its way as well.
    holds.ended(.poll, at: provider, isProbe: false, asks(for: pause))
    for _ in 0..<2 {
      clock.advance(by: .seconds(300))
      #expect(try holds.begin(.poll, at: provider))
      #expect(throws: ProviderError.self) { try holds.begin(.poll, at: provider) }
      holds.ended(.poll, at: provider, isProbe: true, asks(for: pause))
    }
    #expect(told.withLock { $0.map(\.isRaised) } == [true])
    #expect(told.withLock { $0.first?.text.contains("openai \(words) before the next batch's state") } == true)
    clock.advance(by: .seconds(300))
    #expect(try holds.begin(.poll, at: provider))
    holds.ended(.poll, at: provider, isProbe: true, nil)
    #expect(told.withLock { $0.map(\.isRaised) } == [true, false])
    #expect(try !holds.begin(.poll, at: provider))
  }

  @Test func whoWaitsShowsUntilWhen() async throws {
    let holds = makeHolds()
    holds.ended(.fetch, at: provider, isProbe: false, asks(for: .seconds(60)))
    #expect(health.current.isEmpty)
    async let waited = holds.wait(.fetch, at: provider)
    try await clock.awaitSleepers(1)
    #expect(health.current.map(\.part) == [.hold(provider: "openai", "fetch")])
    #expect(health.current.first?.detail.contains("until 2023-11-14T22:14:20") == true)
    clock.advance(by: .seconds(66))
    #expect(await waited)
    #expect(health.current.isEmpty)
  }
}
