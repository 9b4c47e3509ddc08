extension MillraceSettings {
  /// What is in force, as YAML with the keys of the configuration file; secrets are `***`.
  public var redactedDescription: String {
    var out = SettingsText()
    write(amqp, &out)
    write(ledger, &out)
    out.section("tenancy") { out in
      out.plain("source", tenancy.source.rawValue)
      if tenancy.weights.isEmpty { return out.plain("weights", "{}") }
      out.section("weights") { out in
        for (tenant, weight) in tenancy.weights.sorted(by: { $0.key < $1.key }) { out.plain(tenant, weight) }
      }
    }
    out.section("providers") { out in
      for provider in providers { write(provider, &out) }
    }
    out.section("models") { out in
      for entry in models.entries {
        out.section(entry.pattern) { out in
          out.list("routes", entry.routes.map(\.description))
          if let mode = entry.mode { out.plain("mode", mode.rawValue) }
        }
      }
    }
    writePrices(&out)
    writeBudgets(&out)
    out.section("batching") { out in
      out.plain("token_estimator", batching.tokenEstimator.rawValue)
      out.plain("order_by_prefix", batching.orderByPrefix)
      out.plain("merge_identical", batching.mergeIdentical)
      out.plain("merge_embeddings", batching.mergeEmbeddings)
      out.section("interactive") { write(batching.interactive, &$0) }
      out.section("deferred") { write(batching.deferred, &$0) }
    }
    write(execution, &out)
    out.section("rescue") { out in
      out.plain("max_double_spend", Dollars.text(rescue.maxDoubleSpend))
      out.duration("buffer", rescue.buffer)
      out.duration("assumed_turnaround", rescue.assumedTurnaround)
      out.duration("assumed_cancel", rescue.assumedCancel)
    }
    out.section("dead_letter") { $0.plain("provider_rejected", deadLetter.providerRejected) }
    out.section("observability") { out in
      out.text("metrics_prefix", observability.metricsPrefix)
      out.text("trace_id_header", observability.traceIDHeader)
      out.plain("log_level", observability.logLevel.rawValue)
      out.plain("log_format", observability.logFormat.rawValue)
      out.text("otlp_endpoint", observability.otlpEndpoint.redacted)
    }
    out.section("admin") { out in
      out.text("listen", admin.listen.description)
      out.text("health_listen", admin.healthListen?.description ?? "")
      out.text("token", admin.token.isEmpty ? "" : "***")
    }
    return out.yaml
  }

  private func write(_ amqp: AMQPSettings, _ out: inout SettingsText) {
    out.section("amqp") { out in
      out.list("url", amqp.urls.map(\.redacted))
      out.section("tls") { out in
        out.text("ca_file", amqp.tls.caFile)
        out.text("cert_file", amqp.tls.certFile)
        out.text("key_file", amqp.tls.keyFile)
        out.plain("verify", amqp.tls.verify)
      }
      out.duration("heartbeat", amqp.heartbeat)
      out.plain("declare", amqp.declare)
      out.plain("queue_type", amqp.queueType.rawValue)
      out.plain("delivery_limit", amqp.deliveryLimit)
      out.plain("poison", amqp.poison.rawValue)
      out.section("prefetch") { out in
        out.plain("interactive", amqp.prefetch.interactive)
        out.plain("deferred", amqp.prefetch.deferred)
      }
      out.plain("max_message_bytes", amqp.maxMessageBytes)
      out.plain("max_reply_bytes", amqp.maxReplyBytes)
      out.plain("max_unacked_bytes", amqp.maxUnackedBytes)
      out.text("requests_exchange", amqp.names.requestsExchange)
      out.text("other_exchange", amqp.names.otherExchange)
      out.text("interactive_queue", amqp.names.interactiveQueue)
      out.text("deferred_queue", amqp.names.deferredQueue)
      out.text("results_exchange", amqp.names.resultsExchange)
      out.text("unclaimed_exchange", amqp.names.unclaimedExchange)
      out.text("unclaimed_queue", amqp.names.unclaimedQueue)
      out.duration("unclaimed_ttl", amqp.unclaimedTTL)
      out.plain("unclaimed_max_bytes", amqp.unclaimedMaxBytes)
      out.text("dead_letter_exchange", amqp.names.deadLetterExchange)
      out.text("dead_letter_queue", amqp.names.deadLetterQueue)
    }
  }

  private func write(_ ledger: LedgerSettings, _ out: inout SettingsText) {
    out.section("ledger") { out in
      out.text("url", ledger.url.redacted)
      out.duration("retention", ledger.retention)
      out.duration("body_retention", ledger.bodyRetention)
      out.duration("lease", ledger.lease)
      out.plain("max_backlog_bytes", ledger.maxBacklogBytes)
      out.plain("min_free_disk", ledger.minFreeDisk)
      out.plain("allow_unshared_interactive", ledger.allowUnsharedInteractive)
    }
  }

  private func write(_ provider: ProviderSettings, _ out: inout SettingsText) {
    out.section(provider.name) { out in
      out.plain("kind", provider.kind.rawValue)
      out.text("endpoint", provider.endpoint)
      if !provider.apiKeys.isEmpty { out.list("api_key", provider.apiKeys.map(\.description)) }
      if let deviations = provider.deviations { out.plain("deviations", deviations.rawValue) }
      out.text("api_version", provider.apiVersion)
      if !provider.tokenFile.isEmpty { out.text("token_file", provider.tokenFile) }
      if !provider.deployments.isEmpty {
        out.section("deployments") { out in
          for (name, deployment) in provider.deployments.sorted(by: { $0.key < $1.key }) {
            out.section(name) { out in
              out.text("batch", deployment.batch)
              out.text("model", deployment.model)
            }
          }
        }
      }
      out.text("organization", provider.organization)
      out.text("project", provider.project)
      out.duration("completion_window", provider.completionWindow)
      out.duration("timeout", provider.timeout)
      out.text("ca_file", provider.caFile)
      out.text("proxy", provider.proxy?.redacted ?? "")
      out.section("limits") { out in
        out.limit("requests_per_minute", provider.limits.requestsPerMinute)
        out.limit("tokens_per_minute", provider.limits.tokensPerMinute)
        out.plain("concurrency", provider.limits.concurrency)
        out.limit("enqueued_tokens", provider.limits.enqueuedTokens)
        out.limit("batch_creates_per_hour", provider.limits.batchCreatesPerHour)
      }
    }
  }

  private func write(_ window: BatchingSettings.Window, _ out: inout SettingsText) {
    out.plain("idle_ms", Quantities.milliseconds(window.idle))
    out.plain("max_age_ms", Quantities.milliseconds(window.maxAge))
    out.plain("max_requests_per_batch", window.maxRequestsPerBatch)
    out.plain("max_tokens_per_batch", window.maxTokensPerBatch)
    out.plain("max_batch_bytes", window.maxBatchBytes)
  }

  private func write(_ execution: ExecutionSettings, _ out: inout SettingsText) {
    out.section("execution") { out in
      out.plain("worker_concurrency", execution.workerConcurrency)
      out.plain("poll_interval_ms", Quantities.milliseconds(execution.pollInterval))
      out.plain("max_attempts", execution.maxAttempts)
      out.plain("backoff_delay_ms", Quantities.milliseconds(execution.backoffDelay))
      out.duration("max_retry_after", execution.maxRetryAfter)
      out.plain("interactive_hold_ms", Quantities.milliseconds(execution.interactiveHold))
      out.duration("settle_grace", execution.settleGrace)
      out.duration("create_timeout", execution.createTimeout)
      out.duration("reconcile_grace", execution.reconcileGrace)
      out.plain("delete_files", execution.deleteFiles)
      out.duration("drain_timeout", execution.drainTimeout)
      out.section("circuit_breaker") { out in
        out.plain("failure_ratio", execution.circuitBreaker.failureRatio)
        out.plain("minimum_calls", execution.circuitBreaker.minimumCalls)
        out.plain("window_s", execution.circuitBreaker.window.components.seconds)
        out.plain("open_s", execution.circuitBreaker.open.components.seconds)
      }
      out.plain("enable_webhooks", execution.enableWebhooks)
      out.text("webhook_url", execution.webhookURL.redacted)
    }
  }
}
