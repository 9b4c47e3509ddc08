import Glibc
import Synchronization
import Testing

@testable import Threading

/// An actor on a thread of its own, as the AMQP and HTTP connections are.
private actor Pinned {
  nonisolated let thread: EventThread
  private(set) var calls = 0

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(_ thread: EventThread) { self.thread = thread }

  func call() -> Bool {
    calls += 1
    return thread.isIsolatingCurrentContext() == true
  }
}

/// Waits like a connection does, and counts how often it was woken.
private final class CountingDriver: EventLoopDriver {
  let turns = Atomic<Int>(0)

  func turn(wake: CInt) {
    turns.add(1, ordering: .relaxed)
    var descriptor = pollfd(fd: wake, events: Int16(POLLIN), revents: 0)
    // Much longer than the test: a turn that ends was woken.
    _ = poll(&descriptor, 1, 60_000)
  }
}

@Suite(.timeLimit(.minutes(4))) struct EventThreadTests {
  @Test func runsTheJobsOfItsActorsOnItsThread() async {
    let thread = EventThread(name: "test")
    let pinned = Pinned(thread)
    for _ in 0..<100 { #expect(await pinned.call()) }
    #expect(thread.isIsolatingCurrentContext() == false)
    await thread.stop()
  }

  @Test func aJobEndsTheDriversWait() async {
    let thread = EventThread(name: "test")
    let driver = CountingDriver()
    thread.attach(driver)
    let pinned = Pinned(thread)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<50 {
        group.addTask { for _ in 0..<200 { _ = await pinned.call() } }
      }
    }
    #expect(await pinned.calls == 10_000)
    await thread.stop()
  }

  /// A signal that stays behind would make every later wait end at once.
  @Test func noWakeUpIsLeftBehindAfterABurst() async throws {
    let thread = EventThread(name: "test")
    let driver = CountingDriver()
    thread.attach(driver)
    let pinned = Pinned(thread)
    for _ in 0..<200 {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<8 { group.addTask { _ = await pinned.call() } }
      }
      let before = driver.turns.load(ordering: .relaxed)
      // One call costs a wake-up or two; a thread that spins takes thousands of turns meanwhile.
      _ = await pinned.call()
      #expect(driver.turns.load(ordering: .relaxed) - before < 50)
    }
    await thread.stop()
  }

  @Test func stopRunsWhatIsQueuedAndMayBeCalledTwice() async {
    let thread = EventThread(name: "test")
    let pinned = Pinned(thread)
    async let last = pinned.call()
    #expect(await last)
    await thread.stop()
    await thread.stop()
  }
}

@Suite(.timeLimit(.minutes(4))) struct OneShotTests {
  @Test func aValueMayComeBeforeOrAfterTheWait() async {
    let early = OneShot<Int>()
    #expect(early.succeed(1))
    #expect(!early.succeed(2))
    #expect(await early.value == 1)

    let late = OneShot<Int>()
    async let value = late.value
    #expect(late.succeed(3))
    #expect(await value == 3)
  }
}
