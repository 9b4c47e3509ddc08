/// How work is sent, retried, followed and ended.
public struct ExecutionSettings: Sendable, Equatable {
  /// When calls to an account are suspended, and for how long.
  public struct CircuitBreaker: Sendable, Equatable {
    /// Failed calls over all calls of the window, above 0 and up to 1.
    public var failureRatio = 0.5
    /// Calls in the window below which nothing is concluded.
    public var minimumCalls = 20
    public var window = Duration.seconds(30)
    public var open = Duration.seconds(30)
    public init() {}
  }

  public var workerConcurrency = 64
  /// Pause before the first poll of a batch; later ones are longer.
  public var pollInterval = Duration.milliseconds(5000)
  /// Attempts of one call, the first included.
  public var maxAttempts = 5
  /// Pause before the second attempt; later ones are longer.
  public var backoffDelay = Duration.milliseconds(2000)
  /// The longest `retry-after` that is obeyed; after a longer or unreadable one the account is tried once in this time.
  public var maxRetryAfter = Duration.seconds(3600)
  /// How long an interactive delivery may stay unacknowledged.
  public var interactiveHold = Duration.milliseconds(30_000)
  /// How long a finished batch is read again before a row counts as missing.
  public var settleGrace = Duration.seconds(600)
  /// How long the create of a batch may take; at most half of the lease where the ledger is shared.
  public var createTimeout = Duration.seconds(15)
  /// How long after an unconfirmed create the provider is searched again before the batch is submitted anew.
  public var reconcileGrace = Duration.seconds(30)
  /// Whether the input and result files of a batch that is over are deleted at the provider: what they hold is in the
  /// ledger, and accounts take no upload any more when they hold too many.
  public var deleteFiles = true
  /// How long a stop may take.
  public var drainTimeout = Duration.seconds(25)
  public var circuitBreaker = CircuitBreaker()
  public var enableWebhooks = false
  /// Where batch events are sent. Empty: nowhere.
  public var webhookURL = ConnectionURL("")

  public init() {}
}
