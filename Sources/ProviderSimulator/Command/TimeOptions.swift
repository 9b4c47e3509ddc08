import ArgumentParser

/// How long things take.
struct TimeOptions: ParsableArguments {
  @Flag(help: "Answer at once, and run batches as fast as they can be computed.")
  var zeroLatency = false
  @Option(help: "Milliseconds of a synchronous call.")
  var latencyMs: Int?
  @Option(help: "Microseconds more for each token of its answer.")
  var latencyPerTokenUs: Int?
  @Option(help: "Milliseconds more by chance: what one call of a hundred exceeds.")
  var latencyTailMs: Int?
  @Option(help: "Share of a call's time more for each other call in flight of the same key and model.")
  var latencyLoadFactor: Double?
  @Option(help: "Milliseconds that a batch is validating.")
  var batchValidateMs: Int?
  @Option(help: "Milliseconds that a batch takes at least.")
  var batchMinMs: Int?
  @Option(help: "Microseconds more for each of its rows.")
  var batchPerRowUs: Int?
  @Option(help: "Milliseconds more at most, by chance: seldom much.")
  var batchTailMs: Int?
  @Option(help: "Share of batches that take all of that, the others none; 0 draws it for each.")
  var batchTailShare: Double?
  @Option(help: "Milliseconds that a batch is finalizing.")
  var batchFinalizeMs: Int?
  @Option(help: "Milliseconds that a batch is cancelling.")
  var batchCancelMs: Int?
  @Option(help: "Milliseconds until a connection that is not answered is cut.")
  var hangMs: Int?
  @Option(help: "Looks at a completed batch before its files show, where that fault hits.")
  var nullOutputLooks: Int?
  @Option(help: "Milliseconds until a new batch is listed, in whole seconds.")
  var listLagMs: Int?
  @Option(help: "Milliseconds from the arrival of a batch create to its acceptance.")
  var createAcceptMs: Int?
  @Option(help: "Milliseconds from there to its answer.")
  var createAnswerMs: Int?
  @Option(help: "Milliseconds from the answer of a file's delete until the file is gone.")
  var deleteLagMs: Int?
  @Option(help: "Milliseconds in the retry-after of an injected 429.")
  var injectedRetryAfterMs: Int?
  @Option(help: "Milliseconds after a retry-after in which calls are not counted as early: they were on their way.")
  var earlyGraceMs: Int?

  var decimals: [(String, Double?)] {
    [("latency_load_factor", latencyLoadFactor), ("batch_tail_share", batchTailShare)]
  }

  var values: [(String, Int?)] {
    [
      ("latency_ms", latencyMs), ("latency_per_token_us", latencyPerTokenUs), ("batch_validate_ms", batchValidateMs),
      ("batch_min_ms", batchMinMs), ("batch_per_row_us", batchPerRowUs), ("batch_tail_ms", batchTailMs),
      ("batch_finalize_ms", batchFinalizeMs), ("batch_cancel_ms", batchCancelMs), ("hang_ms", hangMs),
      ("null_output_looks", nullOutputLooks), ("list_lag_ms", listLagMs),
      ("create_accept_ms", createAcceptMs), ("create_answer_ms", createAnswerMs), ("delete_lag_ms", deleteLagMs),
      ("injected_retry_after_ms", injectedRetryAfterMs), ("latency_tail_ms", latencyTailMs),
      ("early_grace_ms", earlyGraceMs),
    ]
  }
}
