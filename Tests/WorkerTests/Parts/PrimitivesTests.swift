import BatchCore
import TestSupport
import Testing
import Threading

@testable import Worker

@Suite(.timeLimit(.minutes(4)))
struct PrimitivesTests {
  // MARK: Signal

  @Test func aSignalRaisedBeforeTheWaitEndsIt() async {
    let signal = Signal()
    signal.raise()
    signal.raise()
    #expect(await signal.wait())
  }

  @Test func aWaitEndsOnlyWhenItsTaskIsCancelled() async throws {
    let signal = Signal()
    let ended = Locked(false)
    let task = Task {
      await signal.wait()
      ended.withLock { $0 = true }
    }
    for _ in 0..<100 { await Task.yield() }
    #expect(!ended.withLock { $0 })
    task.cancel()
    await task.value
    let late = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      await signal.wait()
    }
    await late.value
  }

  @Test func aClosedSignalEndsEveryWait() async {
    let signal = Signal()
    let waiting = Task { await signal.wait() }
    await Task.yield()
    signal.close()
    let answer = await waiting.value
    #expect(!answer)
    #expect(await signal.wait() == false)
    #expect(await signal.wait(upTo: .seconds(10), TestClock()) == false)
  }

  @Test func aTimedWaitEndsByTimeOrBySignal() async throws {
    let clock = TestClock()
    let signal = Signal()
    let byTime = Task { await signal.wait(upTo: .seconds(5), clock) }
    try await clock.awaitSleepers(1)
    clock.advance(by: .seconds(5))
    let timed = await byTime.value
    #expect(timed)
    let bySignal = Task { await signal.wait(upTo: .seconds(5), clock) }
    try await clock.awaitSleepers(1)
    signal.raise()
    let signalled = await bySignal.value
    #expect(signalled)
    #expect(clock.sleeps.isEmpty)
  }

  /// Whatever is sent before a raise is seen after the wait that it ends, however the two meet.
  @Test func noWakeUpIsLost() async {
    let clock = SystemTimekeeper()
    let signal = Signal()
    let sent = Locked(0)
    let total = 20_000
    let sender = Task {
      for number in 1...total {
        sent.withLock { $0 = number }
        signal.raise()
        if number % 7 == 0 { await Task.yield() }
      }
    }
    var seen = 0
    while seen < total {
      if seen % 3 == 0 { _ = await signal.wait(upTo: .seconds(20), clock) } else { await signal.wait() }
      seen = sent.withLock { $0 }
    }
    await sender.value
    #expect(seen == total)
  }

  // MARK: Latch, permits, mailbox

  @Test func aLatchOpensWhenAllHaveLeft() async {
    let latch = Latch(2)
    latch.enter()
    let waiter = Task { await latch.wait() }
    for _ in 0..<3 {
      #expect(latch.current > 0)
      latch.leave()
    }
    await waiter.value
    #expect(latch.current == 0)
    await latch.wait()
  }

  @Test func aLatchLetsACancelledWaiterGo() async {
    let latch = Latch(1)
    let waiter = Task { await latch.wait() }
    await Task.yield()
    waiter.cancel()
    await waiter.value
    #expect(latch.current == 1)
  }

  @Test func permitsBoundWhoIsInside() async {
    let permits = Permits(3)
    let inside = Locked((now: 0, most: 0, total: 0))
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<200 {
        group.addTask {
          await permits.withPermit {
            inside.withLock { inside in
              inside.now += 1
              inside.total += 1
              inside.most = max(inside.most, inside.now)
            }
            await Task.yield()
            inside.withLock { $0.now -= 1 }
          }
        }
      }
    }
    let (now, most, total) = inside.withLock { $0 }
    #expect(now == 0 && most <= 3 && total == 200)
  }

  @Test func aMailboxLosesNothing() async {
    let mailbox = Mailbox<Int>()
    let reader = Task {
      var all: [Int] = []
      while let some = await mailbox.next() {
        #expect(!some.isEmpty)
        all += some
      }
      return all
    }
    await withTaskGroup(of: Void.self) { group in
      for sender in 0..<10 {
        group.addTask { for number in 0..<500 { mailbox.send(sender * 500 + number) } }
      }
    }
    mailbox.close()
    let all = await reader.value
    #expect(all.sorted() == Array(0..<5000))
    #expect(await mailbox.next() == nil)
  }

  // MARK: Abandoning

  @Test func anOperationIsAbandonedWhenItsCallerIsCancelled() async throws {
    let gate = Gate(open: false)
    let task = Task {
      await abandoning {
        await gate.pass()
        return 1
      }
    }
    try await eventually("the operation to begin") { gate.held == 1 }
    task.cancel()
    let answer = await task.value
    #expect(answer == nil)
    gate.open()
    #expect(await abandoning { 2 } == 2)
  }

  // MARK: Time

  @Test func theTestClockWakesInTimeAndWhenCancelled() async throws {
    let clock = TestClock()
    let task = Task { try await clock.sleep(for: .seconds(10)) }
    try await clock.awaitSleepers(1)
    clock.advance(by: .seconds(9))
    #expect(clock.sleeps == [.seconds(1)])
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(clock.sleeps.isEmpty)
    #expect(!clock.advanceToNext())
  }
}
