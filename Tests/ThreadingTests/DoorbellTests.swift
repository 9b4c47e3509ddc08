import Testing
import Threading

@Suite(.timeLimit(.minutes(4))) struct DoorbellTests {
  /// On a thread that may block.
  private func wait(_ bell: Doorbell, upTo limit: Duration) async -> Duration {
    let done = OneShot<Duration>()
    let threads = BackgroundThreads(name: "waits", count: 1)
    await withTaskExecutorPreference(threads) {
      let start = ContinuousClock.now
      bell.wait(upTo: limit)
      done.succeed(ContinuousClock.now - start)
    }
    return await done.value
  }

  @Test func aWaitEndsByTheClock() async {
    #expect(await wait(Doorbell(), upTo: .milliseconds(20)) >= .milliseconds(20))
  }

  @Test func aRingEndsTheWaitOrTheNextOneOnce() async {
    let bell = Doorbell()
    bell.ring()
    bell.ring()
    // Much longer than the test may take.
    #expect(await wait(bell, upTo: .seconds(3600)) < .seconds(240))
    #expect(await wait(bell, upTo: .milliseconds(20)) >= .milliseconds(20))
    async let waited = wait(bell, upTo: .seconds(3600))
    await Task.yield()
    bell.ring()
    #expect(await waited < .seconds(240))
  }
}
