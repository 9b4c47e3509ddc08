import BatchCore
import Ledger
import Tokenizer
import Wire

extension Intake {
  /// What the ledger is told of a delivery that could be decoded.
  func newRequest(_ request: DecodedRequest, _ delivery: Delivery, at now: Timestamp) -> NewRequest {
    var content: NewRequest.Content
    let routing = CallRouting(context: context)
    let configured = routes(request.model)
    let counted = tokens.count(request.prompt, model: Self.countedModel(configured, request.model))
    let roomy = configured.filter { counted.least <= context(of: $0) ?? .max }
    // Those that can be asked in this shape; where there is none the first says why.
    let able = roomy.filter { objection(to: request, on: $0) == nil }
    let routes = able.isEmpty ? roomy : able
    let deferred = routing.choose(routes, endpoint: request.endpoint, lane: .deferred)
    let outlook = request.deadline.flatMap { deadline in deferred.map { routing.outlook(of: deadline, $0, now) } }
    let (lane, custody) = LaneChooser.choose(
      queue: source.lane, wish: request.lane, outlook: outlook,
      hasBatches: deferred.map { routing.hasBatches($0, request.endpoint) } ?? true)
    if let route = routing.choose(routes, endpoint: request.endpoint, lane: lane) {
      let call = ceiling(counted.estimate, request, route, .list)
      let batch = ceiling(counted.estimate, request, route, .batch)
      let budgets = BudgetClaims(rules: context.configuration.budgets).claims(
        request.envelope.tags, route, amount: lane == .deferred ? batch : call, at: now)
      content = .call(
        NewCall(
          endpoint: request.endpoint, model: request.model, route: route, lane: lane, custody: custody,
          body: request.body, tokens: counted.estimate, deadline: request.deadline,
          callCeiling: call, batchCeiling: batch, budgets: budgets,
          promptOrder: lane == .deferred ? order(request) : 0,
          mergeKey: lane == .deferred && custody == .ledger ? mergeKey(request, route) : nil))
      if let provider = context.providers[route.provider], !provider.capabilities.endpoints.contains(request.endpoint) {
        content = .poison(
          Failure(
            .unsupportedEndpoint,
            "\(request.endpoint.path) is not offered by the provider \(route.provider) that serves \(request.model)"))
      } else if let objection = objection(to: request, on: route) {
        content = .poison(Failure(.invalidRequest, "\(objection) (\(request.model) is served by \(route.provider))"))
      }
    } else if let largest = configured.compactMap({ context(of: $0) }).max() {
      content = .poison(
        Failure(
          .contextLengthExceeded,
          "the request has \(counted.least) tokens of text, and \(request.model) takes at most \(largest); shorten it"))
    } else {
      content = .poison(
        Failure(
          .unknownModel, "no model named \(request.model) is configured; add it under models in the configuration"))
    }
    var envelope = request.envelope
    // Results are not POSTed to callbacks yet, so the reply is the only way that the answer has.
    envelope.noReply = false
    return NewRequest(
      envelope: envelope, content: content, bodyHash: request.bodyHash, receivedAt: now,
      queue: source.lane, redelivered: delivery.redelivered, deliveryGeneration: delivery.token.ledgerGeneration,
      properties: PropertiesCodec.encode(delivery.properties))
  }

  /// Where it stands in its batch, so that its neighbours are those that it can share something with.
  private func order(_ request: DecodedRequest) -> Int64 {
    if request.endpoint == .embeddings {
      guard context.configuration.mergesEmbeddings else { return 0 }
      return EmbeddingRequest(request.body)?.order(of: request.envelope.tags.tenant) ?? 0
    }
    return context.configuration.ordersByPrefix ? PromptOrder(request.prompt).number : 0
  }

  /// A request that bounds when it is sent, or that names itself, keeps a call of its own.
  private func mergeKey(_ request: DecodedRequest, _ route: Route) -> MergeKey? {
    let envelope = request.envelope
    guard context.configuration.mergesIdentical, request.asksForLikeliest, request.deadline == nil,
      envelope.identity.kind != .key, envelope.replayNonce == nil
    else { return nil }
    return MergeKey(tenant: envelope.tags.tenant, bodyHash: request.bodyHash, route: route)
  }

  private func objection(to request: DecodedRequest, on route: Route) -> String? {
    context.providers[route.provider]?.objection(to: request.body, endpoint: request.endpoint)
  }

  /// The most input that the model of a route takes, where that is known.
  private func context(of route: Route) -> Int64? {
    context.models.facts(of: route.model, at: route.provider)?.contextTokens
  }

  /// What tells how to count: the name at the provider, unless that is a deployment's which says nothing.
  private static func countedModel(_ routes: [Route], _ model: String) -> String {
    guard let name = routes.first?.model else { return model }
    return ModelTokens.of(name).isExact || !ModelTokens.of(model).isExact ? name : model
  }

  /// What an attempt may cost at most; nil where the price is not known.
  private func ceiling(_ input: Int64, _ request: DecodedRequest, _ route: Route, _ basis: CostBasis) -> PicoUSD? {
    guard let facts = context.models.facts(of: route.model, at: route.provider), let price = facts.price else {
      return nil
    }
    let output = OutputBound.tokens(
      endpoint: request.endpoint, limit: request.maximumOutputTokens.map(Int64.init), choices: request.choices,
      modelLimit: facts.outputTokens)
    return price.ceiling(inputTokens: input, outputTokens: output, basis: basis)
  }
}
