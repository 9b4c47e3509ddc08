/// Who was told to wait until when, and who came before. Pure; time is in microseconds since 1970.
struct RetryWatch: Sendable {
  /// Whom a wait holds for.
  struct Subject: Hashable, Sendable {
    /// Fingerprint of the key.
    var key: String
    var kind: CallKind
    /// The model of a call, the batch of a poll.
    var name: String?
  }

  private struct Wait {
    var until: Int
    var told: Int
  }

  struct Early: Hashable, Sendable {
    /// How much too early, rounded up.
    var milliseconds: Int
    var millisecondsSinceTold: Int
  }

  private var waits: [Subject: Wait] = [:]
  static let mostWaits = 10_000

  /// - Parameter until: The first moment at which the caller may come again.
  mutating func tell(_ subject: Subject, until: Int, now: Int) {
    if waits.count >= Self.mostWaits { waits = waits.filter { $0.value.until > now } }
    if waits.count >= Self.mostWaits { waits = [:] }
    let before = waits[subject]
    // The longer wait holds, and what was told first is what the caller could have known.
    waits[subject] =
      if let before, before.until > now { Wait(until: max(before.until, until), told: before.told) } else {
        Wait(until: until, told: now)
      }
  }

  /// - Parameters:
  ///   - arrival: When the call came.
  ///   - grace: In microseconds. A call that comes so soon after the telling may have been on its way.
  func early(_ subject: Subject, arrival: Int, grace: Int) -> Early? {
    guard let wait = waits[subject], arrival < wait.until, arrival >= wait.told + grace else { return nil }
    return Early(
      milliseconds: (wait.until - arrival + 999) / 1000, millisecondsSinceTold: (arrival - wait.told) / 1000)
  }
}
