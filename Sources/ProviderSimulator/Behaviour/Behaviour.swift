/// What can be tuned, at the start and while the simulator runs: faults, limits and times.
///
/// One name each for the command line (`--fault-429`), for the configuration file and for `POST /_sim/faults`
/// (`fault_429`).
struct Behaviour: Hashable, Sendable {
  // Shares of 1 of what is hit. Prompts: synchronous calls.
  var fault429 = 0.0
  var fault5xx = 0.0
  var faultHang = 0.0
  var faultCut = 0.0
  // Rows of batches.
  var faultLineMissing = 0.0
  var faultLineError = 0.0
  var faultLineReject = 0.0
  // Batches, by their ordinal.
  var faultExpire = 0.0
  var faultNullOutput = 0.0
  var faultCreateTimeout = 0.0
  var faultCreate500AfterAccept = 0.0
  var faultCreateReset = 0.0
  // Creates, by their ordinal: never accepted, never answered.
  var faultCreateLost = 0.0
  // Calls to files and batches, by their ordinal.
  var faultControl429 = 0.0
  var faultControl5xx = 0.0
  var faultControlCut = 0.0

  // Milliseconds, where the name says no other unit.
  var latencyMs = 200
  var latencyPerTokenUs = 2000
  var batchValidateMs = 200
  var batchMinMs = 2000
  var batchPerRowUs = 100
  var batchTailMs = 0
  var batchFinalizeMs = 200
  var batchCancelMs = 500
  var hangMs = 600_000
  var nullOutputLooks = 2
  var listLagMs = 0
  /// Between the arrival of a create and its acceptance, and from there to its answer.
  var createAcceptMs = 0
  var createAnswerMs = 0
  /// From the answer of a delete until the file is gone.
  var deleteLagMs = 0
  var injectedRetryAfterMs = 200

  // Limits, 0 for none. Those of calls are for each key and model.
  var rpm = 0
  var tpm = 0
  /// Seconds of the limit that may be used at once.
  var burstSeconds = 60
  var concurrency = 0
  var enqueuedTokens = 0
  var batchCreatesPerHour = 0
  var maxFileBytes = 200 << 20
  var maxBatchRequests = 50_000
  var maxContextTokens = 1_000_000
  var embeddingDimensions = 16
}

extension Behaviour {
  /// Takes all waiting out: answers at once, batches as fast as they can be computed.
  mutating func removeLatency() {
    (latencyMs, latencyPerTokenUs) = (0, 0)
    (batchValidateMs, batchMinMs, batchPerRowUs, batchTailMs, batchFinalizeMs, batchCancelMs) = (0, 0, 0, 0, 0, 0)
  }

  static let rates: [(name: String, path: any WritableKeyPath<Behaviour, Double> & Sendable)] = [
    ("fault_429", \.fault429), ("fault_5xx", \.fault5xx), ("fault_hang", \.faultHang), ("fault_cut", \.faultCut),
    ("fault_line_missing", \.faultLineMissing), ("fault_line_error", \.faultLineError),
    ("fault_line_reject", \.faultLineReject), ("fault_expire", \.faultExpire),
    ("fault_null_output", \.faultNullOutput), ("fault_create_timeout", \.faultCreateTimeout),
    ("fault_create_500_after_accept", \.faultCreate500AfterAccept), ("fault_create_reset", \.faultCreateReset),
    ("fault_create_lost", \.faultCreateLost), ("fault_control_429", \.faultControl429),
    ("fault_control_5xx", \.faultControl5xx), ("fault_control_cut", \.faultControlCut),
  ]

  static let numbers: [(name: String, path: any WritableKeyPath<Behaviour, Int> & Sendable)] = [
    ("latency_ms", \.latencyMs), ("latency_per_token_us", \.latencyPerTokenUs),
    ("batch_validate_ms", \.batchValidateMs), ("batch_min_ms", \.batchMinMs), ("batch_per_row_us", \.batchPerRowUs),
    ("batch_tail_ms", \.batchTailMs), ("batch_finalize_ms", \.batchFinalizeMs), ("batch_cancel_ms", \.batchCancelMs),
    ("hang_ms", \.hangMs), ("null_output_looks", \.nullOutputLooks), ("list_lag_ms", \.listLagMs),
    ("create_accept_ms", \.createAcceptMs), ("create_answer_ms", \.createAnswerMs), ("delete_lag_ms", \.deleteLagMs),
    ("injected_retry_after_ms", \.injectedRetryAfterMs), ("rpm", \.rpm), ("tpm", \.tpm),
    ("burst_seconds", \.burstSeconds), ("concurrency", \.concurrency), ("enqueued_tokens", \.enqueuedTokens),
    ("batch_creates_per_hour", \.batchCreatesPerHour), ("max_file_bytes", \.maxFileBytes),
    ("max_batch_requests", \.maxBatchRequests), ("max_context_tokens", \.maxContextTokens),
    ("embedding_dimensions", \.embeddingDimensions),
  ]
}
