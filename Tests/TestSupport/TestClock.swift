public import BatchCore
import Threading
public import Worker

/// Time that moves only when the test says so.
public final class TestClock: Timekeeper {
  private struct Sleeper {
    var due: Timestamp
    var continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var elapsed = Duration.zero
    /// How far somebody has set the wall clock.
    var wallOffset = Duration.zero
    var sleepers: [Int: Sleeper] = [:]
    /// Sleeps that were cancelled before they began.
    var cancelled: Set<Int> = []
    var nextID = 0
  }

  public static let start = Timestamp(milliseconds: 1_700_000_000_000)
  private let state = Locked(State())

  public init() {}

  public func now() -> Timestamp { state.withLock { Self.start + $0.elapsed + $0.wallOffset } }

  /// Starts at another number than the wall clock, so that the two are not mixed up unnoticed.
  public func monotonic() -> Timestamp { state.withLock { Self.moment($0.elapsed) } }

  private static func moment(_ elapsed: Duration) -> Timestamp { Timestamp(milliseconds: 1_000_000) + elapsed }

  public func sleep(for duration: Duration) async throws {
    try Task.checkCancellation()
    if duration <= .zero { return }
    let (id, due) = state.withLock { state in
      state.nextID += 1
      return (state.nextID, Self.moment(state.elapsed) + duration)
    }
    let wasWoken = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          if state.cancelled.remove(id) != nil { return false }
          // The time may have come while the sleeper was on its way to bed.
          if due <= Self.moment(state.elapsed) { return true }
          state.sleepers[id] = Sleeper(due: due, continuation: continuation)
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let sleeper = state.withLock { state -> Sleeper? in
        guard let sleeper = state.sleepers.removeValue(forKey: id) else {
          state.cancelled.insert(id)
          return nil
        }
        return sleeper
      }
      sleeper?.continuation.resume(returning: false)
    }
    if !wasWoken { throw CancellationError() }
  }

  /// How long each sleeper still sleeps, shortest first.
  public var sleeps: [Duration] {
    state.withLock { state in
      let now = Self.moment(state.elapsed)
      return state.sleepers.values.map { $0.due - now }.sorted()
    }
  }

  /// Sets the wall clock, as an administrator or a time server does.
  public func stepWall(by step: Duration) { state.withLock { $0.wallOffset += step } }

  public func advance(by duration: Duration) {
    let woken = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
      state.elapsed += duration
      let now = Self.moment(state.elapsed)
      let due = state.sleepers.filter { $0.value.due <= now }.sorted { $0.value.due < $1.value.due }
      for sleeper in due { state.sleepers[sleeper.key] = nil }
      return due.map(\.value.continuation)
    }
    for continuation in woken { continuation.resume(returning: true) }
  }

  /// To the moment at which the next sleeper wakes. Returns false if nobody sleeps.
  @discardableResult
  public func advanceToNext() -> Bool {
    guard let shortest = sleeps.first else { return false }
    advance(by: shortest)
    return true
  }

  /// Waits until at least so many tasks sleep.
  public func awaitSleepers(_ count: Int) async throws {
    try await eventually("\(count) sleepers; there are \(sleeps)") { sleeps.count >= count }
  }
}
