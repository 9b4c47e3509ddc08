/// Threads for work that has time. Tasks that prefer them leave the cooperative pool to those that somebody waits for, and
/// where processors are short the kernel prefers every other thread.
///
/// Jobs start in the order of their arrival, on whichever thread is free. There are no more of them than tasks, as in the
/// pool itself. It must outlive the tasks that prefer it; its threads end with it.
public final class BackgroundThreads: TaskExecutor, Sendable {
  /// That of a thread of the pool.
  private static let stackSize = 8 << 20

  private let jobs = JobQueue()

  /// - Parameters:
  ///   - name: Shown by `top -H`; cut to 15 bytes.
  ///   - count: How many threads, at least 1.
  public init(name: String, count: Int) {
    for _ in 0..<max(1, count) {
      // Whoever runs a job has a task, which this outlives.
      NamedThread.start(name, .background, stackSize: Self.stackSize) { [jobs, unowned self] in
        while let job = jobs.next() { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
      }
    }
  }

  deinit { jobs.close() }

  public func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }
}
