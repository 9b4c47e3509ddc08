extension ExecutionSettings {
  /// Reads the keys under `execution`.
  init(reading execution: Section) {
    self.init()
    workerConcurrency = execution.whole("worker_concurrency", workerConcurrency, 1...10_000)
    pollInterval = execution.milliseconds("poll_interval_ms", pollInterval, 10...3_600_000)
    maxAttempts = execution.whole("max_attempts", maxAttempts, 1...100)
    backoffDelay = execution.milliseconds("backoff_delay_ms", backoffDelay, 1...3_600_000)
    maxRetryAfter = execution.duration("max_retry_after", maxRetryAfter, .seconds(1)...(.seconds(86_400)))
    // Below the 30 minutes after which a broker takes back what is not acknowledged.
    interactiveHold = execution.milliseconds("interactive_hold_ms", interactiveHold, 10...1_500_000)
    settleGrace = execution.duration("settle_grace", settleGrace, .zero...(.seconds(86_400)))
    createTimeout = execution.duration("create_timeout", createTimeout, (.milliseconds(100))...(.seconds(600)))
    reconcileGrace = execution.duration("reconcile_grace", reconcileGrace, (.milliseconds(100))...(.seconds(3600)))
    deleteFiles = execution.flag("delete_files", deleteFiles)
    drainTimeout = execution.duration("drain_timeout", drainTimeout, .seconds(1)...(.seconds(3600)))
    execution.section("circuit_breaker") {
      circuitBreaker.failureRatio = $0.ratio("failure_ratio", circuitBreaker.failureRatio)
      circuitBreaker.minimumCalls = $0.whole("minimum_calls", circuitBreaker.minimumCalls, 1...1_000_000)
      circuitBreaker.window = $0.seconds("window_s", circuitBreaker.window, 1...3600)
      circuitBreaker.open = $0.seconds("open_s", circuitBreaker.open, 1...86_400)
    }
    enableWebhooks = execution.flag("enable_webhooks", enableWebhooks)
    webhookURL = execution.url("webhook_url", "${BATCH_WEBHOOK_URL:-}", schemes: ["https", "http"])
  }
}

extension BatchingSettings {
  /// Reads the keys under `batching`.
  init(reading batching: Section) {
    self.init()
    tokenEstimator = batching.choice("token_estimator", tokenEstimator)
    orderByPrefix = batching.flag("order_by_prefix", orderByPrefix)
    mergeIdentical = batching.flag("merge_identical", mergeIdentical)
    mergeEmbeddings = batching.flag("merge_embeddings", mergeEmbeddings)
    interactive = batching.section("interactive") { Window(reading: $0, defaults: interactive) }
    deferred = batching.section("deferred") { Window(reading: $0, defaults: deferred) }
  }
}

extension BatchingSettings.Window {
  fileprivate init(reading window: Section, defaults: Self) {
    self = defaults
    idle = window.milliseconds("idle_ms", idle, 0...86_400_000)
    maxAge = window.milliseconds("max_age_ms", maxAge, 0...86_400_000)
    if maxAge < idle {
      window.reading.fail(
        window.full("max_age_ms"),
        "below \(window.full("idle_ms")); allowed: at least \(Quantities.milliseconds(idle))")
    }
    maxRequestsPerBatch = window.whole("max_requests_per_batch", maxRequestsPerBatch, 1...100_000)
    maxTokensPerBatch = window.whole("max_tokens_per_batch", maxTokensPerBatch, 1...1_000_000_000_000)
    maxBatchBytes = window.bytes("max_batch_bytes", maxBatchBytes, 1024...4_294_967_296)
  }
}
