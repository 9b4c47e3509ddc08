public import BatchCore
public import Wire

/// What the worker needs to know of the configuration.
public struct WorkerConfiguration: Sendable {
  /// Calls in flight at once, over all accounts.
  public var workerConcurrency = 64
  public var maximumAttempts = 5
  public var backoffBase = Duration.seconds(2)
  public var maximumRetryAfter = Duration.seconds(3600)
  /// How long an interactive delivery may stay unacked while it waits for a gate.
  public var interactiveHold = Duration.seconds(30)
  /// The interactive queue's prefetch: one route may hold a quarter of it.
  public var interactivePrefetch = 512
  /// How tenants share a lane.
  public var tenantWeights = TenantWeights()
  public var pollInterval = Duration.seconds(5)
  public var settleGrace = Duration.seconds(600)
  /// How long after an unconfirmed create the provider is searched, and searched again before a second create.
  public var reconcileGrace = Duration.seconds(30)
  /// How often work is looked for that other replicas have left.
  public var takeOverInterval = Duration.seconds(10)
  /// How long the create of a batch may take: what is left of a lease must be more.
  public var createTimeout = Duration.seconds(15)
  /// How long outcomes are kept, and how long the bodies of requests and answers.
  public var retention = Duration.seconds(31 * 86_400)
  public var bodyRetention = Duration.seconds(7 * 86_400)
  public var drainTimeout = Duration.seconds(25)
  public var callTimeout = Duration.seconds(600)
  public var deferredWindow = WindowLimits(
    idle: .seconds(30), maximumAge: .seconds(300), maximumRequests: 50_000, maximumTokens: 2_000_000,
    maximumBytes: 180 << 20)
  /// Whether prompts that begin alike are neighbours in a batch.
  public var ordersByPrefix = true
  /// Whether one call answers requests that ask the same of one tenant while the first waits for its window.
  public var mergesIdentical = false
  /// Whether requests for embeddings of one batch share calls.
  public var mergesEmbeddings = false
  /// Limits of batches, by provider.
  public var batchLimits: [String: BatchLimits] = [:]
  /// Whether the files of batches that are over are deleted at the provider.
  public var deletesFiles = true
  /// Within what time a provider promises its batches, by provider; a day where nothing is said.
  public var completionWindows: [String: Duration] = [:]
  public var rescue = Rescue()
  /// What requests may cost; all replicas that share a ledger have the same.
  public var budgets: [BudgetRule] = []
  /// The broker's delivery limit of the request queues; one before it, a message is answered unparsed.
  public var deliveryLimit = 100
  /// Whether a lane's poison is dead-lettered by our own publish, since its queue's dead-letter path is not verified.
  public var publishesPoison: @Sendable (Lane) -> Bool = { _ in false }
  public var deadLettersRejected = false
  public var maximumBacklogBytes: Int64 = 50 << 30
  /// Intake waits while the ledger's disk has less free than this.
  public var minimumFreeDisk: Int64 = 2 << 30
  /// Free bytes where the ledger is; nil where nobody can tell.
  public var freeDisk: @Sendable () async -> Int64? = { nil }
  public var names = Names()
  public var messageLimits = MessageLimits()
  public var traceIDHeader = "x-batch-trace-id"

  /// How deadlines are kept that a batch would miss.
  public struct Rescue: Sendable {
    /// What may knowingly be paid twice within a day, by all that share the ledger.
    public var maximumDoubleSpend = PicoUSD(5_000_000_000_000)
    /// Time that is left between the last answer and the deadline, if all goes as expected.
    public var buffer = Duration.seconds(60)
    /// How long a batch typically takes, and how long from a cancel to its results, before any have taught it.
    public var assumedTurnaround = Duration.seconds(3600)
    public var assumedCancel = Duration.seconds(600)

    public init() {}
  }

  /// Broker objects that the worker publishes to.
  public struct Names: Sendable {
    public var resultsExchange = "llm.results"
    public var unclaimedExchange = "llm.results.unclaimed"
    public var deadLetterExchange = "llm.dead-letters"

    public init() {}
  }

  public init() {}
}
