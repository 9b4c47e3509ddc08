/// What a batch is told that asks for its place at the provider.
public enum BatchAdmission: Hashable, Sendable {
  public enum Wait: Hashable, Sendable {
    /// The account's enqueued tokens for the model are used up.
    case enqueuedTokens
    /// The provider refused a batch for them although there was room by what is known.
    case refusal
    case createsPerHour
    /// Another that was planned before waits already.
    case turn
  }

  /// Go, and this many tokens of the account are its own until it ends.
  case granted(tokens: Int64)
  /// Not before then by the clock that was passed in; a batch that ends is a reason to ask before.
  case wait(Wait, until: Timestamp)
  /// It is larger than anything that may be sent: its rows go into smaller ones.
  case tooLarge

  /// How soon is looked again at what others may change.
  static let look = Duration.seconds(60)

  /// Decides about a batch of so many tokens and rows, by what is known at the moment.
  public static func decide(
    tokens: Int64, rows: Int, _ limits: BatchLimits, _ lessons: BatchLessons, creates: CreateLesson?,
    _ usage: BatchUsage, now: Timestamp
  ) -> BatchAdmission {
    let need = lessons.scaled(tokens)
    let cap = lessons.cap(limits) ?? .max
    // A row that is above the cap by itself is tried when nothing else is in its way: the estimate may be wrong.
    let room = BatchLessons.room(cap, stuck: usage.stuckTokens)
    if need > room, rows > 1 { return .tooLarge }
    if usage.isBehindAnother { return .wait(.turn, until: now + look) }
    // What is stuck is built around: nobody can tell when it ends.
    let running = max(0, usage.enqueuedTokens - max(0, usage.stuckTokens))
    let (sum, overflow) = running.addingReportingOverflow(need)
    if running > 0, overflow || sum > room { return .wait(.enqueuedTokens, until: now + look) }
    if let until = lessons.pause(usage, now: now) { return .wait(.refusal, until: until) }
    if let until = CreateBudget.pause(limits, creates, usage, now: now) {
      return .wait(.createsPerHour, until: until)
    }
    return .granted(tokens: need)
  }
}
