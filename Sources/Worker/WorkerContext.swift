import BatchCore
import Ledger
import Logging
import Wire

/// What the parts of the worker share.
struct WorkerContext: Sendable {
  var configuration: WorkerConfiguration
  var ledger: any LedgerStore
  var providers: [String: any Provider]
  var models: ModelCatalog
  var time: any Timekeeper
  var health: HealthBoard
  var metrics: WorkerMetrics
  var logger: Logger
  var held: HeldDeliveries
  /// Raised when a reply became ready.
  var outboxReady = OutboxReady()
  var unknown = UnknownBatches()
  var store: StoreWatch
  var gates: Gates
  var alerts: Alerts
  var holds: Holds
  var room: BatchRoom
  var places: PlaceQueue
  var deadlines: Deadlines
  var openBatches = OpenBatches()
  var unshared = UnsharedModels()
  /// Routes of a model, best first.
  var routes: @Sendable (String) -> [Route]

  var policy: AttemptPolicy {
    AttemptPolicy(
      maximumAttempts: configuration.maximumAttempts, backoffBase: configuration.backoffBase,
      maximumRetryAfter: configuration.maximumRetryAfter)
  }

  var retry: LedgerRetry { LedgerRetry(time: time, store: store, logger: logger) }

  var recorder: OutcomeRecorder { OutcomeRecorder(context: self) }

  func random() -> UInt64 { UInt64.random(in: .min ... .max) }

  /// What a model costs now; nil where that is not known.
  func price(of route: Route) -> ModelPrice? { models.price(of: route.model, at: route.provider) }
}
