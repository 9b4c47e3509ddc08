/// What is known so far of a request that is being answered.
struct Visit: Sendable {
  /// When it came, in microseconds since 1970.
  let arrival: Int
  /// The caller's User-Agent.
  let agent: String?
  /// Fingerprint of the key; `none` while there is none.
  var key = "none"
  /// `nil` for what is not counted.
  var kind: CallKind?
  /// Of a synchronous call.
  var model: String?
  /// Of a poll.
  var batchID: String?
  var dialect = Dialect.openAI
  /// Told with the answer.
  var levels = RateLimiter.Levels()

  /// Whom a wait that is told now holds for.
  var subject: RetryWatch.Subject? {
    kind.map { RetryWatch.Subject(key: key, kind: $0, name: $0 == .call ? model : batchID) }
  }
}
