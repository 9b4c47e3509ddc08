import Glibc

/// Jobs that threads wait for, first come first served.
@safe
final class JobQueue: Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var head = 0
    /// Threads that wait and have not been woken.
    var idle = 0
    var isClosed = false
  }

  private let state = Locked(State())
  /// Counts the wake-ups that no thread has taken.
  private nonisolated(unsafe) let wakeUps: UnsafeMutablePointer<sem_t>

  init() {
    unsafe wakeUps = .allocate(capacity: 1)
    unsafe sem_init(wakeUps, 0, 0)
  }

  deinit {
    unsafe sem_destroy(wakeUps)
    unsafe wakeUps.deallocate()
  }

  func append(_ job: UnownedJob) {
    let mustWake = state.withLock { state in
      state.jobs.append(job)
      guard state.idle > 0 else { return false }
      state.idle -= 1
      return true
    }
    if mustWake { unsafe sem_post(wakeUps) }
  }

  /// Lets every thread go once there is nothing left.
  func close() {
    let waiting = state.withLock { state in
      state.isClosed = true
      defer { state.idle = 0 }
      return state.idle
    }
    for _ in 0..<waiting { unsafe sem_post(wakeUps) }
  }

  /// Waits for a job. Nil when it is closed and empty.
  func next() -> UnownedJob? {
    while true {
      let (job, isClosed) = state.withLock { state -> (UnownedJob?, Bool) in
        guard state.head < state.jobs.count else {
          if !state.isClosed { state.idle += 1 }
          return (nil, state.isClosed)
        }
        let job = state.jobs[state.head]
        state.head += 1
        // All at once, so that it is no more than one copy a job.
        if state.head * 2 >= state.jobs.count {
          state.jobs.removeFirst(state.head)
          state.head = 0
        }
        return (job, false)
      }
      if let job { return job }
      if isClosed { return nil }
      while unsafe sem_wait(wakeUps) != 0 {}
    }
  }
}
