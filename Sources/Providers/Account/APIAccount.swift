import BatchCore
import Wire

/// An account as its adapter reaches it. What it gives is the same for all kinds: how requests are sent, and what becomes of
/// failures.
protocol APIAccount: Sendable {
  /// The provider's name in the configuration.
  var name: String { get }
  /// The base URL without a slash at its end.
  var base: String { get }
  /// Of what is asked for below the base URL: the address.
  func url(_ path: String) -> String
  /// All keys of the account: none of them appears in any text.
  var apiKeys: [APIKey] { get }
  /// Sent with every request: the key, and whatever else the kind wants.
  var ownHeaders: [HTTPExchange.Header] { get }
  var timeouts: ProviderTimeouts { get }
  /// The largest answer to a synchronous call, and the longest line of a result file.
  var maximumResponseBytes: Int { get }
  var http: any HTTPExchanging { get }
  /// The wall clock.
  var now: @Sendable () -> Timestamp { get }
  /// How long a refusal asks to wait.
  func retryAfter(_ response: HTTPExchange.Response) -> Duration?
}

extension APIAccount {
  func url(_ path: String) -> String { base + path }

  func retryAfter(_ response: HTTPExchange.Response) -> Duration? { RetryAfter.parse(response, now: now()) }

  func makeRequest(
    _ method: String, _ path: String, contentType: String? = nil, body: HTTPExchange.Body? = nil,
    limits: HTTPExchange.Limits, mustNotRepeat: Bool = false
  ) -> HTTPExchange.Request {
    var headers: [HTTPExchange.Header] = [("Accept", "application/json")] + ownHeaders
    if let contentType { headers.append(("Content-Type", contentType)) }
    return HTTPExchange.Request(
      method: method, url: url(path), headers: headers, body: body, limits: limits, mustNotRepeat: mustNotRepeat)
  }

  func operationLimits(maximumResponseBytes: Int = 1 << 20, total: Duration? = nil) -> HTTPExchange.Limits {
    let total = total ?? timeouts.operation
    return HTTPExchange.Limits(
      connect: min(timeouts.connect, total), idle: total, total: total,
      maximumResponseBytes: maximumResponseBytes)
  }

  var transferLimits: HTTPExchange.Limits {
    HTTPExchange.Limits(
      connect: timeouts.connect, idle: timeouts.idle, total: nil,
      maximumResponseBytes: 1 << 20)
  }

  /// Sends a request and takes nothing but a success.
  /// - Parameter isWrite: whether the provider may have changed something when there is no clear answer.
  func perform(
    _ what: String, _ request: HTTPExchange.Request, isWrite: Bool
  ) async throws(ProviderError) -> HTTPExchange.Response {
    let response: HTTPExchange.Response
    do {
      response = try await http.send(request)
    } catch {
      throw providerError(what, error, isWrite: isWrite)
    }
    guard (200..<300).contains(response.status) else { throw providerError(what, response, isWrite: isWrite) }
    return response
  }

  func providerError(_ what: String, _ failure: HTTPExchange.Failure, isWrite: Bool) -> ProviderError {
    let reason: ProviderError.Reason =
      switch failure.kind {
      case .unreachable, .timedOut, .connectionLost, .tls, .invalidURL, .bodySource: .unavailable(retryAfter: nil)
      case .responseTooLarge: .invalidResponse
      case .cancelled: .cancelled
      }
    return ProviderError(
      // A body that was not given to its end is no request.
      reason, isAmbiguous: isWrite && failure.requestMayHaveBeenSent && failure.kind != .bodySource,
      message: "\(name): \(what): \(text(failure.message))")
  }

  func providerError(_ what: String, _ response: HTTPExchange.Response, isWrite: Bool) -> ProviderError {
    let error = ErrorBody(body: response.body)
    let disposition = Classification.disposition(
      statusCode: response.status, error: error, retryAfter: retryAfter(response),
      shouldRetry: RetryAfter.shouldRetry(response))
    let reason: ProviderError.Reason =
      switch disposition {
      case .rejected where error.map(Classification.isAboutStorage) ?? false: .storageFull
      case .rejected where response.status == 404: .notFound
      // Says that there is no such thing, and not that something went wrong.
      case .retryable where response.status == 501: .rejected(statusCode: 501)
      case .rejected: .rejected(statusCode: response.status)
      case .rateLimited(let retryAfter): .rateLimited(retryAfter: retryAfter)
      case .retryable(let retryAfter): .unavailable(retryAfter: retryAfter)
      case .accountClosed(let fault): .accountClosed(fault)
      case .succeeded, .notExecuted: .invalidResponse
      }
    // A gateway may answer for a server that goes on working.
    let isUnclear =
      (response.status >= 500 && response.status != 501) || response.status == 408 || response.status == 409
    return ProviderError(
      reason, isAmbiguous: isWrite && isUnclear,
      message: "\(name): \(what): " + answerText(status: response.status, error: error))
  }

  func invalidResponse(_ what: String, _ problem: String, isWrite: Bool) -> ProviderError {
    ProviderError(.invalidResponse, isAmbiguous: isWrite, message: "\(name): \(what): \(problem)")
  }

  /// One line about a refusal. What is said with 401 and 403 is left out, since it may quote the key.
  func answerText(status: Int, error: ErrorBody?) -> String {
    var line = "answered \(status)"
    if let label = error?.label { line += " (\(text(label)))" }
    if let message = error?.message, !message.isEmpty, status != 401, status != 403 { line += ": " + text(message) }
    return line
  }

  func text(_ text: String) -> String { ProviderText.line(text, hiding: apiKeys) }
}
