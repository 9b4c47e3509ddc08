import Threading

/// Background threads that do nothing until they are let.
final class HeldThreads: TaskExecutor {
  private let threads = BackgroundThreads(name: "held", count: 2)
  /// Nil once they are let.
  private let held = Locked<[UnownedJob]?>([])

  /// How many jobs wait.
  var count: Int { held.withLock { $0?.count ?? 0 } }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    if held.withLock({ $0?.append(job) }) == nil { run(job) }
  }

  func open() {
    let jobs = held.withLock { held in
      defer { held = nil }
      return held ?? []
    }
    for job in jobs { run(job) }
  }

  private func run(_ job: UnownedJob) { threads.enqueue(ExecutorJob(job)) }
}
