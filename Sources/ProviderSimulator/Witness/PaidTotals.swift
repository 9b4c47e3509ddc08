/// Sums over the witness, and what it knows of each prompt.
struct PaidTotals: Sendable {
  struct Prompt: Sendable {
    var attempts: UInt32 = 0
    var paid: UInt32 = 0
  }

  /// What one key is paid for.
  struct Spending: Sendable {
    var count = 0
    var picoUSD: Int128 = 0
  }

  var sequence = 0
  var syncCalls = 0
  var batchRows = 0
  var inputTokens = 0
  var outputTokens = 0
  var picoUSD: Int128 = 0
  var duplicatedPrompts = 0
  var duplicatePayments = 0
  /// By prompt hash. 16 bytes a distinct prompt, for as long as the witness is kept.
  var prompts: [UInt64: Prompt] = [:]
  /// By fingerprint of the key.
  var spending: [String: Spending] = [:]

  mutating func add(
    key: String, isBatch: Bool, promptHash: UInt64, attempt: Int, inputTokens: Int, outputTokens: Int, picoUSD: Int64
  ) {
    if isBatch { batchRows += 1 } else { syncCalls += 1 }
    self.inputTokens += inputTokens
    self.outputTokens += outputTokens
    self.picoUSD += Int128(picoUSD)
    spending[key, default: Spending()].count += 1
    spending[key]?.picoUSD += Int128(picoUSD)
    var prompt = prompts[promptHash] ?? Prompt()
    prompt.attempts = max(prompt.attempts, UInt32(clamping: attempt) &+ 1)
    prompt.paid &+= 1
    if prompt.paid > 1 { duplicatePayments += 1 }
    if prompt.paid == 2 { duplicatedPrompts += 1 }
    prompts[promptHash] = prompt
  }

  /// How often the prompt was tried before; this time counts from now on.
  mutating func nextAttempt(_ promptHash: UInt64) -> Int {
    let before = prompts[promptHash, default: Prompt()].attempts
    prompts[promptHash, default: Prompt()].attempts = before &+ 1
    return Int(before)
  }
}
