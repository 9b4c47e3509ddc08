import BatchCore
import Testing

/// The pace against a provider in virtual time: nearly never refused, and nearly all of the limit used.
@Suite(.timeLimit(.minutes(4)))
struct PaceSimulationTests {
  private static let limits = PaceLimits(
    perMinute: [.requests: 6000, .tokens: 1_000_000], concurrency: 256)
  private static let learned = PaceLimits(concurrency: 256)

  struct Figures: CustomStringConvertible {
    var refused: Double
    /// Of what the limit allows once it binds.
    var used: Double
    var seconds: Double

    var description: String {
      "refused \((refused * 10_000).rounded() / 100) %, used \((used * 1000).rounded() / 10) %, \(seconds) s"
    }
  }

  private func run(
    _ gates: PaceSimulation.Gates, _ terms: PacedProvider.Terms, _ limits: PaceLimits, calls: Int, seed: UInt64
  ) -> Figures {
    let replicas =
      switch gates {
      case .own(let paces): paces.count
      case .shared(let paces, _, _): paces.count
      }
    var simulation = PaceSimulation(
      provider: PacedProvider(terms), gates: gates, limits: limits,
      waiting: (0..<replicas).map { calls / replicas + ($0 < calls % replicas ? 1 : 0) }, seed: seed)
    simulation.run()
    #expect(simulation.done == calls)
    let provider = simulation.provider
    // What was allowed in the time: the burst and what came in after it.
    let seconds = Double(simulation.finishedAt) / 1000
    let allowed = min(Double(calls), terms.requestsPerMinute / 60 * (terms.burstSeconds + seconds))
    return Figures(
      refused: Double(provider.refused) / Double(provider.accepted + provider.refused),
      used: Double(calls) / allowed, seconds: seconds)
  }

  private static let bursts: [Double] = [1, 5, 60]

  @Test(arguments: bursts, [false, true]) func aloneUsesTheLimit(burst: Double, learns: Bool) {
    for seed in UInt64(1)...2 {
      var terms = PacedProvider.Terms()
      terms.burstSeconds = burst
      let figures = run(
        .own([Pace(now: Timestamp(milliseconds: 0))]), terms, learns ? Self.learned : Self.limits, calls: 10_000,
        seed: seed)
      #expect(figures.refused <= 0.001, "\(figures)")
      if burst < 60 { #expect(figures.used >= 0.95, "\(figures)") }
    }
  }

  @Test(arguments: bursts, [false, true]) func replicasShareTheLimit(burst: Double, learns: Bool) {
    for seed in UInt64(1)...2 {
      var terms = PacedProvider.Terms()
      terms.burstSeconds = burst
      let start = Timestamp(milliseconds: 0)
      let figures = run(
        .shared((0..<3).map { _ in SharedPace(now: start) }, PaceBook(now: start), latency: 4), terms,
        learns ? Self.learned : Self.limits, calls: 10_000, seed: seed)
      #expect(figures.refused <= 0.001, "\(figures)")
      if burst < 60 { #expect(figures.used >= 0.95, "\(figures)") }
    }
  }

  @Test(arguments: bursts, [false, true]) func peersDivideTheLimit(burst: Double, learns: Bool) {
    for seed in UInt64(1)...2 {
      var terms = PacedProvider.Terms()
      terms.burstSeconds = burst
      let figures = run(
        .own((0..<3).map { _ in Pace(now: Timestamp(milliseconds: 0)) }), terms, learns ? Self.learned : Self.limits,
        calls: 10_000, seed: seed)
      #expect(figures.refused <= 0.01, "\(figures)")
      if burst < 60 { #expect(figures.used >= 0.95, "\(figures)") }
    }
  }

  @Test func aSilentProviderWithALimitOnCallsAtATimeIsLearned() {
    var terms = PacedProvider.Terms()
    terms.tellsLevels = false
    terms.concurrency = 20
    terms.requestsPerMinute = 1_000_000
    terms.tokensPerMinute = 1e12
    for seed in UInt64(1)...2 {
      let figures = run(
        .own([Pace(now: Timestamp(milliseconds: 0))]), terms, Self.learned, calls: 5000, seed: seed)
      #expect(figures.refused <= 0.05, "\(figures)")
    }
  }
}
