import ArgumentParser

/// What is allowed. 0 is no limit.
struct LimitOptions: ParsableArguments {
  @Option(help: "Synchronous calls a minute for each key and model.")
  var rpm: Int?
  @Option(help: "Tokens a minute for each key and model.")
  var tpm: Int?
  @Option(help: "Input tokens a minute for each key and model.")
  var itpm: Int?
  @Option(help: "Output tokens a minute for each key and model; counted when they are known.")
  var otpm: Int?
  @Flag(inversion: .prefixedNo, help: "Count max_tokens against --tpm, or what did come out. Default: max_tokens.")
  var countMaxTokens: Bool?
  @Flag(inversion: .prefixedNo, help: "Count refused calls against --rpm too. Default: not.")
  var countRefused: Bool?
  @Option(help: "Seconds of these limits that may be used at once.")
  var burstSeconds: Int?
  @Option(help: "Synchronous calls at a time for each key and model.")
  var concurrency: Int?
  @Option(help: "Calls a second by which the rate may grow from one second to the next.")
  var slowDownRamp: Int?
  @Option(help: "Status of calls beyond that: 503 or 429.")
  var slowDownStatus: Int?
  @Option(help: "Their error code: slow_down or server_is_overloaded.")
  var slowDownCode: String?
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
      ("max_context_tokens", maxContextTokens), ("embedding_dimensions", embeddingDimensions), ("itpm", itpm),
      ("otpm", otpm), ("slow_down_ramp", slowDownRamp), ("slow_down_status", slowDownStatus),
    ]
  }

  var flags: [(String, Bool?)] { [("count_max_tokens", countMaxTokens), ("count_refused", countRefused)] }

  var choices: [(String, String?)] { [("slow_down_code", slowDownCode)] }
}
