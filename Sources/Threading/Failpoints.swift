#if FAILPOINTS
  import Glibc
  import Synchronization
#endif

/// The failpoints of this process, and what they do: nothing, until they are armed.
///
/// `MILLRACE_FAILPOINTS=ledger.commit.before=kill@3;provider.create.after=stop` ends the process when it is about to
/// commit for the third time, and freezes it after its first create.
public enum Failpoints {
  public static let variable = "MILLRACE_FAILPOINTS"

  #if FAILPOINTS
    private struct Place: Hashable {
      var point: Failpoint
      var side: Failpoint.Side
    }

    private struct State {
      var orders: [Place: [FailpointOrder]] = [:]
      var hits: [Place: Int] = [:]
    }

    private static let armed = Atomic(false)
    private static let state = Locked(State())

    /// Whether any failpoint will do anything.
    public static var isArmed: Bool { armed.load(ordering: .relaxed) }

    /// Every name that can be armed.
    public static var names: [String] {
      Failpoint.allCases.flatMap { point in Failpoint.Side.allCases.map { "\(point.rawValue).\($0.rawValue)" } }
    }

    /// Arms what the text asks for; empty text arms nothing.
    public static func arm(_ text: String) throws(FailpointProblem) {
      let orders = try FailpointOrder.parse(text)
      guard !orders.isEmpty else { return }
      state.withLock { state in
        for order in orders { state.orders[Place(point: order.point, side: order.side), default: []].append(order) }
      }
      armed.store(true, ordering: .relaxed)
    }

    @usableFromInline
    static func hit(_ point: Failpoint, _ side: Failpoint.Side) {
      guard isArmed else { return }
      let due = state.withLock { state -> FailpointOrder? in
        let place = Place(point: point, side: side)
        guard let orders = state.orders[place] else { return nil }
        let hits = state.hits[place, default: 0] + 1
        state.hits[place] = hits
        return orders.first { $0.hit == hits }
      }
      guard let due else { return }
      // What a test looks for: that the process ended here and nowhere else.
      var line = "failpoint \(point.rawValue).\(side.rawValue): \(due.action.rawValue) at hit \(due.hit)\n"
      line.withUTF8 { _ = unsafe write(2, $0.baseAddress, $0.count) }
      // A process that starts itself anew after it stood still is not to do so again.
      unsafe unsetenv(variable)
      switch due.action {
      case .kill: kill(getpid(), SIGKILL)
      // To this thread, so that it does not go on while another takes the signal; all others stop with it.
      case .stop: pthread_kill(pthread_self(), SIGSTOP)
      }
    }
  #else
    public static func arm(_ text: String) throws(FailpointProblem) {
      if !text.isEmpty { throw FailpointProblem(text, "this build has no failpoints; debug builds have") }
    }
  #endif
}
