import BatchCore
import Hummingbird
import Threading
import Wire

extension SimulatorResponder {
  /// A synchronous call: checked, admitted, accepted (from then on it is paid for), answered.
  func call(
    _ endpoint: Endpoint, deployment: String?, _ request: Request, _ caller: Credentials.Caller, _ plan: FaultPlan,
    _ context: SimulatorContext, _ visit: inout Visit
  ) async throws -> Response {
    let body = try await json(request)
    if let version = request.headers[.anthropicVersion] { try MessageRules.check(body, version: version) }
    let behaviour = plan.behaviour
    var wanted = try ModelRequest(
      endpoint: endpoint, body: body, deployment: deployment, counting: behaviour.tokenCounting,
      hashesPrefixes: behaviour.promptCachePrefixes > 0)
    wanted.isMistral = visit.dialect == .mistral
    visit.model = wanted.model
    if visit.dialect.isAzure, behaviour.azureBatchDeployments, AzureDeployment.isForBatches(wanted.model) {
      throw APIError.batchDeployment(wanted.model)
    }
    try await strike(visit, plan, context)
    if let refusal = Quota(behaviour: behaviour, credentials: settings.credentials, paid: paid).refusal(caller) {
      throw visit.dialect == .anthropic ? .anthropicCredit : visit.dialect == .gemini ? .geminiCredit : refusal
    }
    try wanted.checkContext(maximum: behaviour.maxContextTokens)

    let key = RateLimiter.Key(project: caller.project, model: wanted.model)
    let demand = RateLimiter.Demand(
      inputTokens: wanted.inputTokens, maximumOutputTokens: (wanted.maximumOutputTokens ?? 0) * wanted.choices)
    switch limiter.withLock({
      $0.admit(key, demand, behaviour: behaviour, now: WallClock.monotonicNanoseconds)
    }) {
    case .admitted(let levels): visit.levels = levels
    case .refused(let error, let levels):
      visit.levels = levels
      throw error
    }
    // What came out counts when it is known.
    var outputTokens = 0
    defer { limiter.withLock { $0.finish(key, outputTokens: outputTokens, behaviour: behaviour) } }

    let attempt = paid.nextAttempt(wanted.promptHash)
    let fault = plan.call(wanted, attempt: attempt)
    if case .refused(let error) = fault { throw error }
    let cached = cache.use(
      wanted.meter.prefixes, project: caller.project, model: wanted.model, capacity: behaviour.promptCachePrefixes)
    let answer = ModelAnswer(
      to: wanted, id: ids.next(), created: WallClock.seconds, defaultDimensions: behaviour.embeddingDimensions,
      thinks: behaviour.geminiThoughts, cachedTokens: cached)
    outputTokens = answer.outputTokens
    let inFlight = traffic.begin(visit, tokens: demand.tokens(behaviour), second: WallClock.seconds)
    let settled = behaviour.countMaxTokens ? 0 : answer.outputTokens
    defer { traffic.end(visit, tokens: settled, second: WallClock.seconds) }
    try await paid.append([entry(wanted, answer, caller, visit.agent, attempt, fault)])
    let latency = plan.latency(wanted, outputTokens: answer.outputTokens, attempt: attempt, inFlight: inFlight)
    if latency > 0 { try await Task.sleep(for: .microseconds(latency)) }
    switch fault {
    case .hang:
      counters.count("fault.hang")
      throw await hang(context)
    case .cut:
      counters.count("fault.cut")
      return Reply.cut(answer.body)
    case .none, .refused: return Reply.json(answer.body)
    }
  }

  private func entry(
    _ request: ModelRequest, _ answer: ModelAnswer, _ caller: Credentials.Caller, _ agent: String?,
    _ attempt: Int, _ fault: FaultPlan.CallFault
  ) -> PaidEntry {
    let name: String? =
      switch fault {
      case .hang: "hang"
      case .cut: "cut"
      case .none, .refused: nil
      }
    return PaidEntry(
      kind: .sync, time: WallClock.milliseconds, key: caller.fingerprint, endpoint: request.endpoint,
      model: request.model, promptDigest: request.promptDigest, promptText: request.lastUserText, attempt: attempt,
      fault: name, inputTokens: answer.inputTokens, cachedTokens: answer.cachedTokens,
      outputTokens: answer.outputTokens,
      cost: ModelPrice.of(request.model).cost(
        inputTokens: answer.inputTokens, cachedTokens: answer.cachedTokens, outputTokens: answer.outputTokens,
        isBatch: false), agent: agent)
  }
}
