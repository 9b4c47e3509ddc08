import Threading
import Wire

/// One call of `publish`, on its way through the event thread.
final class PublishJob {
  let messages: [OutboundMessage]
  let queuedAt: ContinuousClock.Instant
  private var outcomes: [PublishOutcome]
  private var open: Int
  private let done: OneShot<[PublishOutcome]>

  init(_ request: PublisherMailbox.Request, now: ContinuousClock.Instant) {
    messages = request.messages
    done = request.done
    queuedAt = now
    outcomes = Array(repeating: .unknown, count: messages.count)
    open = messages.count
  }

  /// Called once for each message. Returns whether it was the last.
  func settle(_ index: Int, _ outcome: PublishOutcome) -> Bool {
    outcomes[index] = outcome
    open -= 1
    return open == 0
  }

  /// Tells the caller, once all messages are settled.
  func report() { done.succeed(outcomes) }
}

/// One message of a job.
struct PublishItem {
  var job: PublishJob
  var index: Int
  /// When it was written, by a clock that stands still during alarms.
  var writtenAt = Duration.zero

  var message: OutboundMessage { job.messages[index] }
}

/// The messages that wait to be written: suspects of a closed channel first, then the jobs in order.
struct PublishQueue {
  private var suspects: [PublishItem] = []
  private var suspectHead = 0
  private var jobs: [PublishJob] = []
  private var jobHead = 0
  private var nextIndex = 0

  var hasSuspects: Bool { suspectHead < suspects.count }
  var isEmpty: Bool { !hasSuspects && jobHead == jobs.count }
  /// When the message that waits longest was queued.
  var oldest: ContinuousClock.Instant? {
    hasSuspects ? suspects[suspectHead].job.queuedAt : jobHead < jobs.count ? jobs[jobHead].queuedAt : nil
  }

  mutating func append(_ job: PublishJob) { jobs.append(job) }

  /// Puts messages back that were written on a channel that closed.
  mutating func putBack(_ items: [PublishItem]) {
    suspects = items + suspects[suspectHead...]
    suspectHead = 0
  }

  func first() -> PublishItem? {
    if hasSuspects { return suspects[suspectHead] }
    return jobHead < jobs.count ? PublishItem(job: jobs[jobHead], index: nextIndex) : nil
  }

  mutating func removeFirst() {
    if hasSuspects {
      suspectHead += 1
      if suspectHead == suspects.count { (suspects, suspectHead) = ([], 0) }
      return
    }
    nextIndex += 1
    guard nextIndex == jobs[jobHead].messages.count else { return }
    nextIndex = 0
    jobHead += 1
    if jobHead == jobs.count || jobHead > 1024 {
      jobs.removeSubrange(..<jobHead)
      jobHead = 0
    }
  }

  /// The suspects were written before, so the end of their connection settles them.
  mutating func removeSuspects() -> [PublishItem] {
    defer { (suspects, suspectHead) = ([], 0) }
    return Array(suspects[suspectHead...])
  }
}
