public import BatchCore
import Wire

extension OpenAIProvider {
  /// Makes one synchronous call. Failures are outcomes.
  public func call(_ call: ProviderCall) async -> CallOutcome {
    guard let segments = BatchLine(model: call.model, endpoint: call.endpoint).segments(of: call.body) else {
      return CallOutcome(
        disposition: .rejected, response: nil, usage: nil, mayHaveBeenPaid: false,
        message: "the model's place lies outside the request's body")
    }
    let limits = HTTPExchange.Limits(
      connect: min(configuration.timeouts.connect, call.timeout), idle: call.timeout, total: call.timeout,
      maximumResponseBytes: configuration.maximumResponseBytes)
    // Base URLs end in the version that the endpoint's path begins with.
    let request = makeRequest(
      "POST", String(call.endpoint.path.dropFirst("/v1".count)), contentType: "application/json",
      body: .segments(segments), limits: limits, mustNotRepeat: true)
    do {
      return outcome(of: try await http.send(request))
    } catch {
      return outcome(of: error)
    }
  }

  private func outcome(of failure: HTTPExchange.Failure) -> CallOutcome {
    let disposition: Disposition =
      switch failure.kind {
      // Asked again, the answer would be as large.
      case .responseTooLarge: .rejected
      case .unreachable, .timedOut, .connectionLost, .tls, .cancelled, .invalidURL, .bodySource:
        .retryable(retryAfter: nil)
      }
    return CallOutcome(
      disposition: disposition, response: nil, usage: nil, mayHaveBeenPaid: failure.requestMayHaveBeenSent,
      message: "\(name): \(text(failure.message))")
  }

  private func outcome(of response: HTTPExchange.Response) -> CallOutcome {
    let answer = ProviderResponse(
      statusCode: response.status,
      requestID: ["x-request-id", "request-id", "apim-request-id"].lazy.compactMap { response.header($0) }.first,
      body: response.body)
    let body = try? JSONSlice.parse(response.body, maximumDepth: JSONDepth.answers)
    guard (200..<300).contains(response.status) else {
      let error = body.flatMap { ErrorBody($0) }
      return CallOutcome(
        disposition: Classification.disposition(
          statusCode: response.status, error: error, retryAfter: RetryAfter.parse(response, now: now()),
          shouldRetry: RetryAfter.shouldRetry(response)),
        response: answer, usage: nil,
        // The gateway gave up waiting; whoever does the work need not know.
        mayHaveBeenPaid: response.status == 504 || response.status == 524,
        message: "\(name) " + answerText(status: response.status, error: error))
    }
    if response.body.isEmpty {
      return CallOutcome(
        disposition: .retryable(retryAfter: nil), response: answer, usage: nil, mayHaveBeenPaid: true,
        message: "\(name) answered \(response.status) without a body")
    }
    // A body that is no JSON is the answer all the same: it was paid for, and a reply can carry it.
    return CallOutcome(
      disposition: .succeeded, response: answer, usage: body?["usage"].flatMap(UsageParser.usage),
      mayHaveBeenPaid: body == nil, message: "")
  }
}
