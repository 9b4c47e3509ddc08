import BatchCore
import CurlHTTP
import Ledger
import Providers
import Settings
import Wire
import Worker

/// The configured providers, each with a transport of its own.
struct Accounts: Sendable {
  var providers: [OpenAIProvider] = []
  var clients: [HTTPClient] = []
  var paces: [String: Pace.Limits] = [:]

  init(_ settings: MillraceSettings) {
    let used = Set(settings.models.entries.flatMap { $0.routes.map(\.provider) })
    for provider in settings.providers where used.contains(provider.name) {
      let concurrency = min(provider.limits.concurrency, settings.execution.workerConcurrency)
      let client = HTTPClient(
        configuration: HTTPClientConfiguration(
          proxy: provider.proxy.map { .url($0.reveal()) } ?? .environment,
          caFile: provider.caFile.isEmpty ? nil : provider.caFile,
          maxConnectionsPerHost: concurrency + 8, maxTotalConnections: concurrency + 16,
          userAgent: MillraceVersion.userAgent))
      var configuration = OpenAIConfiguration(
        name: provider.name, kind: provider.kind == .openai ? .openAI : .openAICompatible, endpoint: provider.endpoint,
        apiKeys: provider.apiKeys.map { APIKey(secret: $0.reveal(), fingerprint: Self.fingerprint($0)) })
      configuration.userAgent = MillraceVersion.userAgent
      configuration.organization = provider.organization.isEmpty ? nil : provider.organization
      configuration.project = provider.project.isEmpty ? nil : provider.project
      configuration.completionWindow = "\(max(1, provider.completionWindow.wholeMilliseconds / 3_600_000))h"
      providers.append(
        OpenAIProvider(
          configuration: configuration, http: CurlExchange(client: client),
          now: { SystemTimekeeper().now() }))
      clients.append(client)
      paces[provider.name] = Pace.Limits(concurrency: concurrency, longestPause: settings.execution.maxRetryAfter)
    }
  }

  /// Names a key without giving it away.
  private static func fingerprint(_ key: Secret) -> String {
    String(SHA256Digest.of(Array(key.reveal().utf8)).hex.prefix(8))
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
    return DecodingOptions(
      maximumMessageBytes: amqp.maxMessageBytes, tenantSource: tenancy.source == .userID ? .userID : .header,
      traceIDHeader: observability.traceIDHeader,
      modelMode: { model in
        switch models.entry(for: model)?.mode {
        case .chat: .chatCompletions
        case .embedding: .embeddings
        case .responses: .responses
        case nil: Self.guessMode(model)
        }
      },
      isKnownModel: { models.entry(for: $0) != nil })
  }

  /// A body with `input` says by its model what it is, where the table is silent.
  private static func guessMode(_ model: String) -> Endpoint? {
    if model.utf8.count > 0, model.lowercased().contains("embed") { return .embeddings }
    return PriceTable.openAI.price(of: model) == nil ? nil : .responses
  }

  var workerConfiguration: WorkerConfiguration {
    var worker = WorkerConfiguration()
    worker.workerConcurrency = execution.workerConcurrency
    worker.maximumAttempts = execution.maxAttempts
    worker.backoffBase = execution.backoffDelay
    worker.maximumRetryAfter = execution.maxRetryAfter
    worker.interactiveHold = execution.interactiveHold
    worker.interactivePrefetch = amqp.prefetch.interactive
    worker.pollInterval = execution.pollInterval
    worker.settleGrace = execution.settleGrace
    worker.reconcileGrace = execution.reconcileGrace
    worker.createTimeout = execution.createTimeout
    worker.takeOverInterval = ledger.lease / 3
    worker.retention = ledger.retention
    worker.bodyRetention = ledger.bodyRetention
    worker.drainTimeout = execution.drainTimeout
    worker.callTimeout = providers.map(\.timeout).max() ?? worker.callTimeout
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
