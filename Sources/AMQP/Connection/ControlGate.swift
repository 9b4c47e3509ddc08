/// Where the control task of a link waits on its event thread until the driver has something for it.
///
/// Confined to that thread, so that no wake-up can come between the look and the wait.
struct ControlGate {
  private var waiting: CheckedContinuation<Void, Never>?
  private(set) var deadline: ContinuousClock.Instant?

  mutating func park(_ continuation: CheckedContinuation<Void, Never>, until deadline: ContinuousClock.Instant?) {
    precondition(waiting == nil, "a link has one control task")
    waiting = continuation
    self.deadline = deadline
  }

  /// Lets the task go on if there is work or its time has come.
  mutating func open(if hasWork: Bool, now: ContinuousClock.Instant) {
    guard waiting != nil, hasWork || deadline.map({ $0 <= now }) ?? false else { return }
    let continuation = waiting
    waiting = nil
    deadline = nil
    continuation?.resume()
  }
}
