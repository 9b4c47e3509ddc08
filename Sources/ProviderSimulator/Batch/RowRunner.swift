import BatchCore
import Wire

/// Runs the rows of one batch: a pure function of the row, the attempt and the fault plan, so that a row that was paid
/// for before a restart gets the same answer after it.
struct RowRunner: Sendable {
  struct Result: Sendable {
    var paid: PaidEntry?
    var outputLine: [UInt8]?
    var errorLine: [UInt8]?
    var isCompleted = false
    var isFailed = false
    var inputTokens = 0
    var outputTokens = 0
  }

  /// Why a row is not run.
  enum Skip: String, Sendable {
    case expired = "batch_expired"
    case cancelled = "batch_cancelled"

    var message: String {
      switch self {
      case .expired: "This request could not be executed before the completion window expired."
      case .cancelled: "This request was not executed because the batch was cancelled."
      }
    }
  }

  let batch: BatchRecord
  let plan: FaultPlan
  private let cache: PromptCache
  private let hasCredit: Bool
  private let idSeed: UInt64

  init(batch: BatchRecord, plan: FaultPlan, cache: PromptCache, hasCredit: Bool = true) {
    self.cache = cache
    self.hasCredit = hasCredit
    self.batch = batch
    self.plan = plan
    idSeed = Bytes.word(Bytes.sha256(Array(batch.id.utf8)))
  }

  /// - Parameters:
  ///   - before: How the row ended before a restart, if it was paid for then. It is not billed again.
  ///   - skip: Why it must not be run now, if so. Does not apply to what was paid for.
  ///   - attempt: Asked once, if the row is run now.
  func run(
    _ bytes: [UInt8], row: Int, before: PaidLog.ExecutedRow?, skip: Skip?, time: Int, attempt: (UInt64) -> Int
  ) -> Result {
    var result = result(bytes, row: row, before: before, skip: skip, time: time, attempt: attempt)
    // Anthropic and Gemini have one file for all.
    let hasOneFile =
      batch.isMessages || batch.isGemini || (batch.isMistral && plan.behaviour.mistralErrorsInOutput)
    if hasOneFile, let line = result.errorLine { (result.outputLine, result.errorLine) = (line, nil) }
    return result
  }

  private func result(
    _ bytes: [UInt8], row: Int, before: PaidLog.ExecutedRow?, skip: Skip?, time: Int, attempt: (UInt64) -> Int
  ) -> Result {
    guard let slice = try? JSONSlice.parse(bytes) else { return Result(isFailed: true) }
    let fields = RowFields(slice, isGemini: batch.isGemini)
    guard let customID = fields.customID, let body = fields.body else { return Result(isFailed: true) }
    let high = Dice.mix(idSeed ^ UInt64(row))
    let line = ResultLine(
      id: Bytes.base62(high, Dice.mix(high)), customID: customID.raw, isMessages: batch.isMessages,
      isGemini: batch.isGemini, mistral: batch.isMistral ? plan.behaviour : nil)
    let request: ModelRequest
    do {
      request = try ModelRequest(
        endpoint: batch.endpoint, body: body, deployment: batch.isGemini || batch.isMistral ? batch.model : nil,
        counting: plan.behaviour.tokenCounting, hashesPrefixes: plan.behaviour.promptCachePrefixes > 0)
      try request.checkContext(maximum: plan.behaviour.maxContextTokens)
    } catch {
      if let skip { return Result(errorLine: line.skipped(skip)) }
      return Result(errorLine: line.refused(error), isFailed: true)
    }
    if let before {
      return answered(request, line, row, before, isPaid: true, time)
    }
    // A row with the marker is what makes the batch expire, so it never runs in such a batch.
    let isExpiring = batch.expiresAfterRows != nil && request.directives.expires > 0
    if let skip = isExpiring ? .expired : skip {
      return Result(errorLine: line.skipped(skip))
    }
    guard hasCredit else { return Result(errorLine: line.refused(.anthropicCredit), isFailed: true) }
    let attempt = attempt(request.promptHash)
    switch plan.row(request, attempt: attempt) {
    case .none:
      return answered(request, line, row, execution(of: request, attempt, isMissing: false), isPaid: false, time)
    case .missing:
      return answered(request, line, row, execution(of: request, attempt, isMissing: true), isPaid: false, time)
    case .refused(let error):
      return Result(errorLine: line.refused(error), isFailed: true)
    case .failed(let code, let message):
      return Result(errorLine: line.error(code: code, message: message), isFailed: true)
    }
  }

  private func execution(of request: ModelRequest, _ attempt: Int, isMissing: Bool) -> PaidLog.ExecutedRow {
    let cached = cache.use(
      request.meter.prefixes, project: batch.project, model: request.model,
      capacity: plan.behaviour.promptCachePrefixes)
    return PaidLog.ExecutedRow(attempt: attempt, isMissing: isMissing, cachedTokens: cached)
  }

  private func answered(
    _ request: ModelRequest, _ line: ResultLine, _ row: Int, _ execution: PaidLog.ExecutedRow, isPaid: Bool, _ time: Int
  ) -> Result {
    var request = request
    request.isMistral = batch.isMistral
    let answer = ModelAnswer(
      to: request, id: line.id, created: batch.inProgressAt ?? batch.createdAt,
      defaultDimensions: plan.behaviour.embeddingDimensions, thinks: plan.behaviour.geminiThoughts,
      cachedTokens: execution.cachedTokens)
    var result = Result(
      outputLine: execution.isMissing ? nil : line.response(status: 200, body: answer.body), isCompleted: true,
      inputTokens: answer.inputTokens, outputTokens: answer.outputTokens)
    if isPaid { return result }
    result.paid = PaidEntry(
      kind: .batch, time: time, key: batch.key, endpoint: request.endpoint, model: request.model, batchID: batch.id,
      row: row, customID: line.customID, promptDigest: request.promptDigest, promptText: request.lastUserText,
      attempt: execution.attempt, fault: execution.isMissing ? "missing" : nil, inputTokens: answer.inputTokens,
      cachedTokens: answer.cachedTokens, outputTokens: answer.outputTokens,
      cost: ModelPrice.of(request.model).cost(
        inputTokens: answer.inputTokens, cachedTokens: answer.cachedTokens, outputTokens: answer.outputTokens,
        isBatch: true))
    return result
  }
}
