import ArgumentParser

/// What is allowed. 0 is no limit.
struct LimitOptions: ParsableArguments {
  @Option(help: "Synchronous calls a minute for each key and model.")
  var rpm: Int?
  @Option(help: "Tokens a minute for each key and model.")
  var tpm: Int?
  @Option(help: "Seconds of these two limits that may be used at once.")
  var burstSeconds: Int?
  @Option(help: "Synchronous calls at a time for each key and model.")
  var concurrency: Int?
  @Option(help: "Input tokens of unfinished batches for each key and model.")
  var enqueuedTokens: Int?
  @Option(help: "Batches created an hour for each key.")
  var batchCreatesPerHour: Int?
  @Option(help: "Bytes of an uploaded file.")
  var maxFileBytes: Int?
  @Option(help: "Requests of a batch.")
  var maxBatchRequests: Int?
  @Option(help: "Input tokens of a request.")
  var maxContextTokens: Int?
  @Option(help: "Length of an embedding that asks for none.")
  var embeddingDimensions: Int?

  var values: [(String, Int?)] {
    [
      ("rpm", rpm), ("tpm", tpm), ("burst_seconds", burstSeconds), ("concurrency", concurrency),
      ("enqueued_tokens", enqueuedTokens), ("batch_creates_per_hour", batchCreatesPerHour),
      ("max_file_bytes", maxFileBytes), ("max_batch_requests", maxBatchRequests),
      ("max_context_tokens", maxContextTokens), ("embedding_dimensions", embeddingDimensions),
    ]
  }
}
