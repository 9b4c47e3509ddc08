extension Behaviour {
  static let rates: [(name: String, path: any WritableKeyPath<Behaviour, Double> & Sendable)] = [
    ("fault_429", \.fault429), ("fault_5xx", \.fault5xx), ("fault_hang", \.faultHang), ("fault_cut", \.faultCut),
    ("fault_line_missing", \.faultLineMissing), ("fault_line_error", \.faultLineError),
    ("fault_line_reject", \.faultLineReject), ("fault_expire", \.faultExpire),
    ("fault_null_output", \.faultNullOutput), ("fault_create_timeout", \.faultCreateTimeout),
    ("fault_create_500_after_accept", \.faultCreate500AfterAccept), ("fault_create_reset", \.faultCreateReset),
    ("fault_create_lost", \.faultCreateLost), ("fault_control_429", \.faultControl429),
    ("fault_control_5xx", \.faultControl5xx), ("fault_control_cut", \.faultControlCut),
    ("batch_tail_share", \.batchTailShare),
  ]

  /// Numbers of which parts are allowed.
  static let amounts: [(name: String, path: any WritableKeyPath<Behaviour, Double> & Sendable)] = [
    ("latency_load_factor", \.latencyLoadFactor), ("quota_after_usd", \.quotaAfterUSD),
  ]

  static let numbers: [(name: String, path: any WritableKeyPath<Behaviour, Int> & Sendable)] = [
    ("latency_ms", \.latencyMs), ("latency_per_token_us", \.latencyPerTokenUs), ("latency_tail_ms", \.latencyTailMs),
    ("batch_validate_ms", \.batchValidateMs), ("batch_min_ms", \.batchMinMs), ("batch_per_row_us", \.batchPerRowUs),
    ("batch_tail_ms", \.batchTailMs), ("batch_finalize_ms", \.batchFinalizeMs), ("batch_cancel_ms", \.batchCancelMs),
    ("hang_ms", \.hangMs), ("null_output_looks", \.nullOutputLooks), ("list_lag_ms", \.listLagMs),
    ("create_accept_ms", \.createAcceptMs), ("create_answer_ms", \.createAnswerMs), ("delete_lag_ms", \.deleteLagMs),
    ("injected_retry_after_ms", \.injectedRetryAfterMs), ("early_grace_ms", \.earlyGraceMs),
    ("rpm", \.rpm), ("tpm", \.tpm), ("itpm", \.itpm), ("otpm", \.otpm), ("slow_down_ramp", \.slowDownRamp),
    ("slow_down_status", \.slowDownStatus), ("quota_after_calls", \.quotaAfterCalls),
    ("burst_seconds", \.burstSeconds), ("concurrency", \.concurrency), ("enqueued_tokens", \.enqueuedTokens),
    ("batch_creates_per_hour", \.batchCreatesPerHour), ("max_file_bytes", \.maxFileBytes),
    ("max_batch_requests", \.maxBatchRequests), ("max_context_tokens", \.maxContextTokens),
    ("embedding_dimensions", \.embeddingDimensions), ("file_processing_ms", \.fileProcessingMs),
    ("azure_max_batch_requests", \.azureMaxBatchRequests), ("azure_max_files", \.azureMaxFiles),
    ("prompt_cache_prefixes", \.promptCachePrefixes),
  ]
  static let flags: [(name: String, path: any WritableKeyPath<Behaviour, Bool> & Sendable)] = [
    ("count_max_tokens", \.countMaxTokens), ("count_refused", \.countRefused),
    ("azure_capital_statuses", \.azureCapitalStatuses), ("azure_text_times", \.azureTextTimes),
    ("azure_null_counts", \.azureNullCounts), ("azure_empty_error_file", \.azureEmptyErrorFile),
    ("azure_created_status", \.azureCreatedStatus), ("azure_dotted_fields", \.azureDottedFields),
    ("azure_batch_deployments", \.azureBatchDeployments),
    ("quirk_hidden_progress", \.quirkHiddenProgress), ("quirk_credit_in_lines", \.quirkCreditInLines),
    ("quirk_overloaded_529", \.quirkOverloaded529), ("quirk_odd_fields", \.quirkOddFields),
    ("gemini_job_states", \.geminiJobStates), ("gemini_late_file", \.geminiLateFile),
    ("gemini_late_counts", \.geminiLateCounts), ("gemini_output_in_response", \.geminiOutputInResponse),
    ("gemini_missing_is_403", \.geminiMissingIs403), ("gemini_retry_info", \.geminiRetryInfo),
    ("gemini_bad_key_400", \.geminiBadKey400), ("gemini_thoughts", \.geminiThoughts),
    ("gemini_oldest_first", \.geminiOldestFirst),
    ("mistral_model_in_job_only", \.mistralModelInJobOnly), ("mistral_errors_in_output", \.mistralErrorsInOutput),
    ("mistral_silent_skips", \.mistralSilentSkips), ("mistral_anonymous_errors", \.mistralAnonymousErrors),
    ("mistral_odd_fields", \.mistralOddFields),
  ]

  static let choices: [BehaviourChoice] = [
    BehaviourChoice("header_style", \.headerStyle), BehaviourChoice("retry_after_style", \.retryAfterStyle),
    BehaviourChoice("quota_code", \.quotaCode), BehaviourChoice("slow_down_code", \.slowDownCode),
    BehaviourChoice("token_counting", \.tokenCounting),
  ]

  /// Of keys, by their fingerprints, and of projects; `*` is all.
  static let keyLists: [(name: String, path: any WritableKeyPath<Behaviour, Set<String>> & Sendable)] = [
    ("revoked_keys", \.revokedKeys), ("forbidden_keys", \.forbiddenKeys), ("no_quota_keys", \.noQuotaKeys),
  ]

  static var names: [String] {
    rates.map(\.name) + amounts.map(\.name) + numbers.map(\.name) + flags.map(\.name) + choices.map(\.name)
      + keyLists.map(\.name)
  }
}
