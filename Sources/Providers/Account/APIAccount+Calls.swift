import BatchCore
import Wire

extension APIAccount {
  /// Makes one synchronous call. Failures are outcomes.
  /// - Parameters:
  ///   - usageKey: The member of an answer that says what was used.
  ///   - usage: Reads it.
  func post(
    _ segments: [[UInt8]], to path: String, timeout: Duration, usageKey: String = "usage",
    usage: (JSONSlice) -> Usage?
  ) async -> CallOutcome {
    let limits = HTTPExchange.Limits(
      connect: min(timeouts.connect, timeout), idle: timeout, total: timeout,
      maximumResponseBytes: maximumResponseBytes)
    let request = makeRequest(
      "POST", path, contentType: "application/json", body: .segments(segments), limits: limits, mustNotRepeat: true)
    do {
      return outcome(of: try await http.send(request)) { $0[usageKey].flatMap(usage) }
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

  private func outcome(of response: HTTPExchange.Response, usage: (JSONSlice) -> Usage?) -> CallOutcome {
    var outcome = meaning(of: response, usage: usage)
    outcome.pace = PaceHeaders.parse(response)
    return outcome
  }

  private func meaning(of response: HTTPExchange.Response, usage: (JSONSlice) -> Usage?) -> CallOutcome {
    let answer = ProviderResponse(
      statusCode: response.status,
      requestID: ["x-request-id", "request-id", "apim-request-id", "mistral-correlation-id"].lazy.compactMap {
        response.header($0)
      }.first,
      body: response.body)
    let body = try? JSONSlice.parse(response.body, maximumDepth: JSONDepth.answers)
    guard (200..<300).contains(response.status) else {
      let error = body.flatMap { ErrorBody($0) }
      return CallOutcome(
        disposition: Classification.disposition(
          statusCode: response.status, error: error, retryAfter: retryAfter(response),
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
    let known = body.flatMap(usage)
    return CallOutcome(
      disposition: .succeeded, response: answer, usage: known, mayHaveBeenPaid: known == nil, message: "")
  }
}
