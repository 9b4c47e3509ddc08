extension MillraceSettings {
  /// A configuration file that sets every key to its default and says what it means.
  public static let documentedDefaults = #"""
    # The configuration of Millrace, with the default of every key.
    #
    # Keys that are left out keep their defaults, so a file needs only what differs. ${NAME} is replaced by the
    # environment variable, ${NAME:-text} by the text where the variable is not set or empty. Every key with a value can
    # also be set by the environment: MILLRACE_ and its path in capitals, with _ for what is no letter and no digit, such
    # as MILLRACE_BATCHING_DEFERRED_IDLE_MS; a list with commas between its values.
    #
    # Durations have a unit (250ms, 30s, 10m, 1h, 31d) unless the key ends in _ms or _s; sizes are bytes, also as 16MiB or
    # 180MB.

    amqp:
      # One URL, or a list of the nodes of a cluster. amqps:// for TLS.
      url: ${AMQP_URL:-amqp://guest:guest@127.0.0.1:5672/%2f}
      # For amqps://. Empty paths: what the system trusts, and no certificate of our own.
      tls: {ca_file: "", cert_file: "", key_file: "", verify: true}
      heartbeat: 15s
      # Declare exchanges and queues that are missing; false: name them and stop.
      declare: true
      queue_type: quorum              # quorum | classic
      # Deliveries of one message after which the broker dead-letters it.
      delivery_limit: 100
      # How poison is dead-lettered: by the broker (nack), by a publish of ours, or whichever is verified.
      poison: auto                    # auto | nack | publish
      # Deliveries that a lane may hold without an acknowledgement, 1 to 65535.
      prefetch: {interactive: 512, deferred: 2000}
      # A larger request is answered too_large, a larger reply becomes reply_too_large.
      max_message_bytes: 16MiB
      max_reply_bytes: 16MiB
      # Bytes of deliveries that a lane may hold without an acknowledgement.
      max_unacked_bytes: 256MiB
      # The names of exchanges and queues.
      requests_exchange: llm.requests
      other_exchange: llm.requests.other
      interactive_queue: llm.requests.interactive
      deferred_queue: llm.requests.deferred
      results_exchange: llm.results
      unclaimed_exchange: llm.results.unclaimed
      unclaimed_queue: llm.results.unclaimed
      dead_letter_exchange: llm.dead-letters
      dead_letter_queue: llm.dead-letters
      # Replies that no queue was bound for: how long they stay in the broker, and how much of them.
      unclaimed_ttl: 7d
      unclaimed_max_bytes: 1GiB

    ledger:
      # sqlite:///path/to/file for one instance, postgres://user:password@host/database for replicas that share it.
      url: sqlite:///var/lib/millrace/ledger.sqlite
      # How long outcomes, costs and identities are kept, and how long the bodies are.
      retention: 31d
      body_retention: 7d
      # A replica that shares a postgres:// ledger and is not heard of for this long loses its work to the others.
      lease: 30s
      # Intake pauses above this much unfinished work, or below this much free disk.
      max_backlog_bytes: 50GiB
      min_free_disk: 2GiB
      # Let several replicas serve the interactive lane though each has a ledger of its own.
      allow_unshared_interactive: false

    tenancy:
      # header: x-tenant, as the publisher sets it. user_id: the property that the broker has authenticated.
      source: header                  # header | user_id
      # Tenants that want the same share it by tokens in these proportions, from 1 to 1000, such as weights: {acme: 3}; a
      # tenant that is not named has 1. One that is alone gets everything.
      weights: {}

    # Providers by name. A file that has this key lists all of them.
    providers:
      openai:
        kind: openai                  # openai | azure | anthropic | gemini | mistral | openai-compatible
        # What the vendor's own library calls its base URL.
        endpoint: https://api.openai.com/v1
        # One key or a list: the first for new work, the others for batches that were created with them. Or api_key_file,
        # one path or a list, each file with one key. openai-compatible needs none.
        api_key: ${OPENAI_API_KEY}
        # Azure OpenAI: endpoint is the resource's address, https://NAME.openai.azure.com; api_version (a date) for the dated
        # paths instead of /openai/v1; token_file instead of a key: a file with a bearer token, read again when it changes
        # (openai-compatible too); deployments: {NAME: {batch: NAME-OF-ITS-BATCH-DEPLOYMENT, model: gpt-4o-mini}}, since
        # batches need deployments of their own and prices go by the model.
        # openai-compatible: deviations: groq | together | doubleword | xai | openrouter | dashscope | siliconflow | novita |
        # litellm | vllm | none; unset, the host of the endpoint says it.
        # What anthropic-version says, 2023-06-01 unless set; of gemini what paths begin with, v1beta unless set; for those
        # kinds and azure only.
        api_version: ""
        organization: ""
        project: ""
        completion_window: 24h
        # The time of one synchronous call.
        timeout: 600s
        # Certificates to trust instead of the system's, and a proxy (http://, https://, socks5://, socks5h://).
        ca_file: ""
        proxy: ""
        # Ceilings, for the account and each model, shared by replicas. What is unlimited here is learned from what the
        # provider's answers say. enqueued_tokens: prompt tokens in unfinished batches. batch_creates_per_hour is the
        # default of the kind openai only.
        limits:
          requests_per_minute: unlimited
          tokens_per_minute: unlimited
          concurrency: 64
          enqueued_tokens: unlimited
          batch_creates_per_hour: 2000

    # Models by name; * stands for any characters, an exact name wins over patterns, then the pattern with most other
    # characters. Routes are provider or provider:name-there, and the first that is open is taken. mode (chat, embedding,
    # responses) says what a body with "input" asks for. A file that has this key lists all of them.
    models:
      gpt-4o-mini: {routes: [openai]}
      "gpt-*": {routes: [openai]}
      "o1*": {routes: [openai]}
      "o3*": {routes: [openai]}
      "o4*": {routes: [openai]}
      "text-embedding-*": {routes: [openai], mode: embedding}

    # Prices and sizes of models, before those of the table that comes with the program, by the model's name at its
    # provider, or provider:name for one provider. In US dollars for a million tokens, such as
    #   my-model: {input: 0.15, output: 0.6, cached_input: 0.075, cache_write: 0.15,
    #              batch: {input: 0.075, output: 0.3}, long: {above: 200000, input: 0.3, output: 1.2},
    #              context: 128000, max_output: 16384}
    # cached_input and cache_write cost what input does where they are not set; without batch: the price of a batch is
    # not known. A model without a price is shown with an unknown cost, never with zero.
    prices: {}

    # Budgets by name: what requests with some tags (tenant, cost_center, user, service, environment, provider, model) may
    # cost a day or a month (UTC), for all replicas together. A value of * gives every value a budget of its own. What a
    # request may cost at most is reserved when it is accepted: set max_tokens in requests, or the model's longest answer is
    # reserved. What does not fit is answered budget_exceeded (refuse), or waits for the next period (park).
    #   acme-month: {tenant: acme, limit_usd: 500, per: month, at_limit: refuse}
    #   everyone-day: {tenant: "*", limit_usd: 20, per: day, at_limit: park}
    budgets: {}

    batching:
      token_estimator: tiktoken
      # Prompts that begin alike stand one after the other in a batch, so that the provider's prompt cache has them.
      order_by_prefix: true
      # Deferred requests of one tenant with the same body and temperature 0 are sent once while they wait for their window:
      # the first pays, each has a reply of its own.
      merge_identical: false
      # Deferred requests for embeddings that differ only in their inputs share lines of their batch with many inputs; each
      # has a reply of its own, with its part of the usage.
      merge_embeddings: false
      # A window closes when nothing came for idle_ms, at the age of max_age_ms, or when it is full.
      interactive:
        idle_ms: 5
        max_age_ms: 50
        max_requests_per_batch: 50
        max_tokens_per_batch: 100000
        max_batch_bytes: 180MiB
      deferred:
        idle_ms: 30000
        max_age_ms: 300000
        max_requests_per_batch: 50000
        max_tokens_per_batch: 2000000
        max_batch_bytes: 180MiB

    execution:
      # Synchronous calls at once.
      worker_concurrency: 64
      # Pause before the first poll of a batch; it grows with the batch's age.
      poll_interval_ms: 5000
      # Attempts of one call, the pause before the second, and the longest retry-after that is obeyed.
      max_attempts: 5
      backoff_delay_ms: 2000
      max_retry_after: 1h
      # How long an interactive request waits before the ledger takes it over.
      interactive_hold_ms: 30000
      # How long a finished batch is read again before a row counts as missing.
      settle_grace: 10m
      # The time that a batch create may take; with a postgres:// ledger at most half of ledger.lease.
      create_timeout: 15s
      # After a batch create without an answer the provider is searched, and searched again after this long.
      reconcile_grace: 30s
      # Delete the files of a batch that is over: the ledger has what they hold, and an account holds only so many.
      delete_files: true
      # How long a stop may take.
      drain_timeout: 25s
      # Calls to an account are suspended for open_s when this share of at least minimum_calls within window_s failed.
      circuit_breaker: {failure_ratio: 0.5, minimum_calls: 20, window_s: 30, open_s: 30}
      enable_webhooks: false
      # Where batch events are sent.
      webhook_url: ${BATCH_WEBHOOK_URL:-}

    rescue:
      # Requests of a native batch that would miss their deadlines are rescued: the batch is cancelled, or they are sent
      # synchronously while it runs on and so paid twice, within this many US dollars a day for all that share the ledger;
      # 0: never.
      max_double_spend: 5
      # Time to spare before the deadline.
      buffer: 60s
      # How long a batch typically takes, and how long from a cancel to its results, until batches have taught better.
      assumed_turnaround: 1h
      assumed_cancel: 10m

    dead_letter:
      # Dead-letter what a provider definitely refused too, besides answering it.
      provider_rejected: false

    observability:
      metrics_prefix: llm_batch
      trace_id_header: x-batch-trace-id
      log_level: info                 # trace | debug | info | notice | warning | error | critical
      log_format: auto                # auto (text on a terminal, else json) | json | text
      # Where spans are sent.
      otlp_endpoint: ${OTEL_EXPORTER_OTLP_ENDPOINT:-}

    admin:
      # All endpoints. Other than loopback only with a token.
      listen: 127.0.0.1:9464
      # Only /healthz, /readyz and /metrics, for probes in containers.
      health_listen: ${MILLRACE_HEALTH_LISTEN:-}
      token: ${MILLRACE_ADMIN_TOKEN:-}

    """#
}
