import BatchCore
import CurlHTTP
import Ledger
import Providers
import Settings
import Wire
import Worker

/// The configured providers, each with transports of its own: one for calls, one for files.
struct Accounts: Sendable {
  var providers: [any ProviderAdapter] = []
  var clients: [HTTPClient] = []
  var paces: [String: PaceLimits] = [:]
  var batches: [String: BatchLimits] = [:]

  init(_ settings: MillraceSettings) {
    let used = Set(settings.models.entries.flatMap { $0.routes.map(\.provider) })
    for provider in settings.providers where used.contains(provider.name) {
      let concurrency = min(provider.limits.concurrency, settings.execution.workerConcurrency)
      var transport = HTTPClientConfiguration(
        proxy: provider.proxy.map { .url($0.reveal()) } ?? .environment,
        caFile: provider.caFile.isEmpty ? nil : provider.caFile,
        maxConnectionsPerHost: concurrency + 8, maxTotalConnections: concurrency + 16,
        userAgent: MillraceVersion.userAgent)
      let client = HTTPClient(configuration: transport)
      transport.isBackground = true
      let files = HTTPClient(configuration: transport)
      clients += [client, files]
      guard let adapter = AdapterFactory.make(provider, http: CurlExchange(client: client, files: files)) else {
        continue
      }
      providers.append(adapter)
      paces[provider.name] = PaceLimits(provider.limits, settings.execution)
      batches[provider.name] = BatchLimits(
        enqueuedTokens: provider.limits.enqueuedTokens.map(Int64.init),
        createsPerHour: provider.limits.batchCreatesPerHour)
    }
  }

  func shutDown() async {
    for client in clients { await client.shutdown() }
  }
}

extension MillraceSettings {
  /// The model table as the worker sees it.
  var routing: @Sendable (String) -> [Ledger.Route] {
    let models = models
    return { model in models.routes(for: model).map { Ledger.Route(provider: $0.provider, model: $0.model) } }
  }

  var decoding: DecodingOptions {
    let models = models
    let kinds = Dictionary(providers.map { ($0.name, $0.kind) }, uniquingKeysWith: { first, _ in first })
    let catalog = modelCatalog
    return DecodingOptions(
      maximumMessageBytes: amqp.maxMessageBytes, tenantSource: tenancy.source == .userID ? .userID : .header,
      traceIDHeader: observability.traceIDHeader,
      modelMode: { model in
        switch models.entry(for: model)?.mode {
        case .chat: .chatCompletions
        case .embedding: .embeddings
        case .responses: .responses
        case nil: Self.guessMode(model, models.routes(for: model).first, catalog)
        }
      },
      nativeEndpoint: { model in
        models.routes(for: model).first.flatMap { kinds[$0.provider] }.flatMap(AdapterFactory.nativeEndpoint(of:))
      },
      isKnownModel: { models.entry(for: $0) != nil })
  }

  /// A body with `input` says by its model what it is, where the table is silent.
  private static func guessMode(_ model: String, _ route: Settings.Route?, _ catalog: ModelCatalog) -> Endpoint? {
    let facts = catalog.facts(of: route?.model ?? model, at: route?.provider ?? "")
    if facts?.mode == .embedding || model.lowercased().contains("embed") { return .embeddings }
    return facts == nil ? nil : .responses
  }

  var workerConfiguration: WorkerConfiguration {
    var worker = WorkerConfiguration()
    worker.workerConcurrency = execution.workerConcurrency
    worker.maximumAttempts = execution.maxAttempts
    worker.backoffBase = execution.backoffDelay
    worker.maximumRetryAfter = execution.maxRetryAfter
    worker.interactiveHold = execution.interactiveHold
    worker.tenantWeights = TenantWeights(tenancy.weights)
    worker.interactivePrefetch = amqp.prefetch.interactive
    worker.pollInterval = execution.pollInterval
    worker.settleGrace = execution.settleGrace
    worker.reconcileGrace = execution.reconcileGrace
    worker.createTimeout = execution.createTimeout
    worker.takeOverInterval = ledger.lease / 3
    worker.retention = ledger.retention
    worker.budgets = budgetRules
    worker.bodyRetention = ledger.bodyRetention
    worker.deletesFiles = execution.deleteFiles
    worker.drainTimeout = execution.drainTimeout
    worker.rescue.maximumDoubleSpend = PicoUSD(rescue.maxDoubleSpend)
    worker.rescue.buffer = rescue.buffer
    worker.rescue.assumedTurnaround = rescue.assumedTurnaround
    worker.rescue.assumedCancel = rescue.assumedCancel
    worker.completionWindows = Dictionary(
      providers.map { ($0.name, $0.completionWindow) }, uniquingKeysWith: { first, _ in first })
    worker.callTimeout = providers.map(\.timeout).max() ?? worker.callTimeout
    worker.ordersByPrefix = batching.orderByPrefix
    worker.mergesIdentical = batching.mergeIdentical
    worker.mergesEmbeddings = batching.mergeEmbeddings
    worker.deferredWindow = WindowLimits(
      idle: batching.deferred.idle, maximumAge: batching.deferred.maxAge,
      maximumRequests: batching.deferred.maxRequestsPerBatch,
      maximumTokens: Int64(batching.deferred.maxTokensPerBatch),
      maximumBytes: Int64(batching.deferred.maxBatchBytes))
    worker.deliveryLimit = amqp.deliveryLimit
    worker.deadLettersRejected = deadLetter.providerRejected
    worker.maximumBacklogBytes = Int64(ledger.maxBacklogBytes)
    worker.minimumFreeDisk = Int64(ledger.minFreeDisk)
    if case .sqlite(let path) = ledger.engine { worker.freeDisk = { await FreeDisk.bytes(at: path) } }
    worker.names.resultsExchange = amqp.names.resultsExchange
    worker.names.unclaimedExchange = amqp.names.unclaimedExchange
    worker.names.deadLetterExchange = amqp.names.deadLetterExchange
    worker.messageLimits = MessageLimits(maximumReplyBytes: amqp.maxReplyBytes)
    worker.traceIDHeader = observability.traceIDHeader
    return worker
  }
}

extension PaceLimits {
  fileprivate init(_ limits: ProviderSettings.Limits, _ execution: ExecutionSettings) {
    var perMinute: [PaceResource: Int64] = [:]
    perMinute[.requests] = limits.requestsPerMinute.map(Int64.init)
    perMinute[.tokens] = limits.tokensPerMinute.map(Int64.init)
    let breaker = execution.circuitBreaker
    self.init(
      perMinute: perMinute, concurrency: limits.concurrency, longestPause: execution.maxRetryAfter,
      breaker: CircuitBreaker.Limits(
        failureRatio: breaker.failureRatio, minimumCalls: breaker.minimumCalls, window: breaker.window,
        open: breaker.open, longestOpen: max(breaker.open, min(execution.maxRetryAfter, breaker.open * 20))))
  }
}
