import BatchCore
import Ledger
import Logging
import Tokenizer
import Wire

/// What the parts of the worker share.
struct WorkerContext: Sendable {
  var configuration: WorkerConfiguration
  var ledger: any LedgerStore
  var providers: [String: any Provider]
  var prices: PriceTable
  var time: any Timekeeper
  var health: HealthBoard
  var metrics: WorkerMetrics
  var logger: Logger
  var held: HeldDeliveries
  /// Raised when a reply became ready.
  var outboxReady: Signal
  var unknown = UnknownBatches()
  var store: StoreWatch

  var policy: AttemptPolicy {
    AttemptPolicy(
      maximumAttempts: configuration.maximumAttempts, backoffBase: configuration.backoffBase,
      maximumRetryAfter: configuration.maximumRetryAfter)
  }

  var retry: LedgerRetry { LedgerRetry(time: time, store: store, logger: logger) }

  func random() -> UInt64 { UInt64.random(in: .min ... .max) }

  /// Cost of an attempt, if the model's price is known.
  func cost(route: Route, lane: Lane, usage: Usage?) -> (PicoUSD?, CostBasis) {
    guard let usage, let price = prices.price(of: route.model) else { return (nil, .unknown) }
    let basis: CostBasis = lane == .deferred ? .batch : .list
    return (price.cost(of: usage, basis: basis), basis)
  }
}
