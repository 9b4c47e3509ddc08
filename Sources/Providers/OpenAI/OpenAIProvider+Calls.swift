public import BatchCore

extension OpenAIProvider {
  /// Makes one synchronous call. Failures are outcomes.
  public func call(_ call: ProviderCall) async -> CallOutcome {
    guard let segments = BatchLine(model: call.model, path: call.endpoint.path).segments(of: call.body) else {
      return CallOutcome(
        disposition: .rejected, response: nil, usage: nil, mayHaveBeenPaid: false,
        message: "the model's place lies outside the request's body")
    }
    let dialect = configuration.dialect
    return await post(
      segments, to: dialect.callPath(call.endpoint, model: call.model), timeout: call.timeout,
      usage: { UsageParser.usage($0, reasoningIsExtra: dialect.reasoningIsExtra) })
  }
}
