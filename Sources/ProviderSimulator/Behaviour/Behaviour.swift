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
  /// Share of a call's time more for each other call in flight of the same key and model.
  var latencyLoadFactor = 0.0
  /// By chance more: what one call of a hundred exceeds.
  var latencyTailMs = 0
  var batchValidateMs = 200
  var batchMinMs = 2000
  var batchPerRowUs = 100
  var batchTailMs = 0
  /// The share of batches that takes the whole tail, the others none of it. 0: the tail is drawn for each batch.
  var batchTailShare = 0.0
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
  /// Calls that come so soon after they were told to wait may have been on their way.
  var earlyGraceMs = 0

  var tokenCounting = TokenCounting.exact
  /// Beginnings of prompts that the prompt cache holds; 0 for no cache.
  var promptCachePrefixes = 0

  // Limits, 0 for none. Those of calls are for each key and model.
  var rpm = 0
  var tpm = 0
  var itpm = 0
  var otpm = 0
  /// Whether `tpm` counts the most that may come out, as OpenAI does, or what did come out, when it is known.
  var countMaxTokens = true
  /// Whether refused calls count against `rpm` too.
  var countRefused = false
  /// Seconds of the limit that may be used at once.
  var burstSeconds = 60
  var concurrency = 0
  /// Calls a second by which the rate may grow from one second to the next.
  var slowDownRamp = 0
  var slowDownStatus = 503
  var slowDownCode = SlowDownCode.slowDown
  var enqueuedTokens = 0
  var batchCreatesPerHour = 0
  var maxFileBytes = 200 << 20
  var maxBatchRequests = 50_000
  var maxContextTokens = 1_000_000
  var embeddingDimensions = 16

  // What a project may be paid for in total, 0 for no end, and how it is refused then.
  var quotaAfterUSD = 0.0
  var quotaAfterCalls = 0
  var quotaCode = QuotaCode.insufficientQuota
  var revokedKeys: Set<String> = []
  var forbiddenKeys: Set<String> = []
  var noQuotaKeys: Set<String> = []

  // What Azure does otherwise than OpenAI.
  var azureCapitalStatuses = true
  var azureTextTimes = true
  var azureNullCounts = true
  var azureEmptyErrorFile = true
  var azureCreatedStatus = true
  var azureDottedFields = true
  /// Whether batches need deployments of their own, whose names end in `-batch`.
  var azureBatchDeployments = true
  /// From the upload until the file can be used.
  var fileProcessingMs = 700
  var azureMaxBatchRequests = 100_000
  /// Files that do not expire.
  var azureMaxFiles = 500

  // Oddities of Anthropic. Progress of a batch shows only when it has ended.
  var quirkHiddenProgress = true
  /// With credit used up, creates are taken and each line is a bad request.
  var quirkCreditInLines = true
  /// What is a 503 elsewhere.
  var quirkOverloaded529 = true
  /// Fields that nobody knows, nulls, times with offsets.
  var quirkOddFields = true

  // Oddities of Gemini. Every other batch has the states of the other API.
  var geminiJobStates = true
  /// A batch has succeeded before it shows its results, by `nullOutputLooks`.
  var geminiLateFile = true
  /// Counts show only when a batch has ended, and of every other one not even then.
  var geminiLateCounts = true
  /// Every third batch shows its results in the operation's response only.
  var geminiOutputInResponse = true
  /// A file that does not exist is one that the key may not see.
  var geminiMissingIs403 = true
  /// Waits stand in the body.
  var geminiRetryInfo = true
  /// A wrong key is a bad request.
  var geminiBadKey400 = true
  /// Models think, which is billed as output and counted apart.
  var geminiThoughts = true
  /// Lists begin with what is oldest.
  var geminiOldestFirst = true
  // Oddities of Mistral. Lines that name a model, which the job has named, make it fail.
  var mistralModelInJobOnly = true
  /// Failures stand among the answers.
  var mistralErrorsInOutput = true
  /// Nothing is said of rows that were not run.
  var mistralSilentSkips = true
  /// Failures do not say which row they are of: then nobody can tell.
  var mistralAnonymousErrors = false
  var mistralOddFields = true

  // How limits and waits are told.
  var headerStyle = HeaderStyle.openai
  var retryAfterStyle = RetryAfterStyle.both
}

extension Behaviour {
  /// Takes all waiting out: answers at once, batches as fast as they can be computed.
  mutating func removeLatency() {
    (latencyMs, latencyPerTokenUs, latencyTailMs) = (0, 0, 0)
    (batchValidateMs, batchMinMs, batchPerRowUs, batchTailMs, batchFinalizeMs, batchCancelMs) = (0, 0, 0, 0, 0, 0)
  }
}
