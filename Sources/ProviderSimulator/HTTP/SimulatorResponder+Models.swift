import BatchCore
import Hummingbird
import Threading
import Wire

extension SimulatorResponder {
  /// A synchronous call: checked, admitted, accepted (from then on it is paid for), answered.
  func call(
    _ endpoint: Endpoint, _ request: Request, _ caller: Credentials.Caller, _ context: SimulatorContext
  ) async throws -> Response {
    let body = try await json(request)
    guard caller.hasCredit else { throw APIError.noCredit }
    let plan = settings.plan
    let wanted = try ModelRequest(endpoint: endpoint, body: body)
    try wanted.checkContext(maximum: plan.behaviour.maxContextTokens)

    let key = RateLimiter.Key(project: caller.project, model: wanted.model)
    let levels: RateLimiter.Levels
    // The provider counts the larger of the estimate and what may come out.
    let tokens = max(wanted.inputTokens, (wanted.maximumOutputTokens ?? 0) * wanted.choices)
    switch limiter.withLock({
      $0.admit(key, tokens: tokens, behaviour: plan.behaviour, now: WallClock.monotonicNanoseconds)
    }) {
    case .admitted(let now): levels = now
    case .refused(let error, let now):
      counters.count("refused." + error.reason)
      var response = Reply.error(error)
      Reply.add(now, to: &response)
      return response
    }
    defer { limiter.withLock { $0.finish(key) } }

    let attempt = paid.nextAttempt(wanted.promptHash)
    let fault = plan.call(wanted, attempt: attempt)
    if case .refused(let error) = fault {
      counters.count("refused." + error.reason)
      var response = Reply.error(error)
      Reply.add(levels, to: &response)
      return response
    }
    let answer = ModelAnswer(
      to: wanted, id: ids.next(), created: WallClock.seconds,
      defaultDimensions: plan.behaviour.embeddingDimensions)
    try await paid.append([entry(wanted, answer, caller, request.headers[.userAgent], attempt, fault)])
    try await delay(wanted, answer, plan.behaviour)
    var response: Response
    switch fault {
    case .hang:
      counters.count("fault.hang")
      throw await hang(context)
    case .cut:
      counters.count("fault.cut")
      response = Reply.cut(answer.body)
    case .none, .refused: response = Reply.json(answer.body)
    }
    Reply.add(levels, to: &response)
    return response
  }

  private func delay(_ request: ModelRequest, _ answer: ModelAnswer, _ behaviour: Behaviour) async throws {
    let microseconds =
      (behaviour.latencyMs + request.directives.slowMilliseconds) * 1000
      + behaviour.latencyPerTokenUs * answer.outputTokens
    if microseconds > 0 { try await Task.sleep(for: .microseconds(microseconds)) }
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
      fault: name, inputTokens: answer.inputTokens, outputTokens: answer.outputTokens,
      cost: ModelPrice.of(request.model).cost(
        inputTokens: answer.inputTokens, outputTokens: answer.outputTokens, isBatch: false), agent: agent)
  }
}
