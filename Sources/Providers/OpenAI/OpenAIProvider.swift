public import BatchCore
import Wire

/// OpenAI, and servers that speak like it: synchronous calls, files and native batches, with one key.
public struct OpenAIProvider: Sendable {
  let configuration: OpenAIConfiguration
  let key: APIKey?
  let http: any HTTPExchanging
  let now: @Sendable () -> Timestamp
  /// The base URL without a slash at its end.
  let base: String

  /// - Parameter now: the wall clock, for `retry-after` headers that name a time of day.
  public init(
    configuration: OpenAIConfiguration, http: any HTTPExchanging, now: @escaping @Sendable () -> Timestamp
  ) {
    self.init(configuration: configuration, key: configuration.apiKeys.first, http: http, now: now)
  }

  private init(
    configuration: OpenAIConfiguration, key: APIKey?, http: any HTTPExchanging,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.configuration = configuration
    self.key = key
    self.http = http
    self.now = now
    var base = configuration.endpoint
    while base.hasSuffix("/") { base.removeLast() }
    self.base = base
  }

  /// The same provider with the key of that fingerprint, for batches that were made with it; `nil` if it is not
  /// configured.
  public func pinned(to fingerprint: String) -> OpenAIProvider? {
    guard let key = configuration.apiKeys.first(where: { $0.fingerprint == fingerprint }) else { return nil }
    return OpenAIProvider(configuration: configuration, key: key, http: http, now: now)
  }

  /// The provider with each of its keys, in their order.
  public var withEachKey: [OpenAIProvider] {
    configuration.apiKeys.map { OpenAIProvider(configuration: configuration, key: $0, http: http, now: now) }
  }

  public var name: String { configuration.name }

  /// Provider, URL without credentials, and the key's fingerprint.
  public var account: String { "\(name) \(ProviderText.withoutUserInfo(base)) \(key?.fingerprint ?? "none")" }

  public var capabilities: ProviderCapabilities {
    ProviderCapabilities(
      batches: configuration.hasBatches, searchable: configuration.hasBatches, cancellable: configuration.hasBatches,
      endpoints: Set(Endpoint.allCases), largestBatchRows: configuration.largestBatchRows,
      largestBatchBytes: configuration.largestBatchBytes)
  }

  /// The exact size in bytes of the input file that such rows make, from sums over them.
  /// - Parameters:
  ///   - customIDBytes: the lengths of the rows' custom ids.
  ///   - bodyBytes: the sizes of the rows' bodies.
  ///   - modelRangeBytes: the lengths of the bodies' model ranges.
  public func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    BatchLine(model: model, endpoint: endpoint)
      .size(of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes)
  }
}

extension OpenAIProvider {
  func makeRequest(
    _ method: String, _ path: String, contentType: String? = nil, body: HTTPExchange.Body? = nil,
    limits: HTTPExchange.Limits, mustNotRepeat: Bool = false
  ) -> HTTPExchange.Request {
    var headers: [HTTPExchange.Header] = [("Accept", "application/json"), ("User-Agent", configuration.userAgent)]
    if let key { headers.append(("Authorization", "Bearer " + key.secret)) }
    if let organization = configuration.organization { headers.append(("OpenAI-Organization", organization)) }
    if let project = configuration.project { headers.append(("OpenAI-Project", project)) }
    if let contentType { headers.append(("Content-Type", contentType)) }
    return HTTPExchange.Request(
      method: method, url: base + path, headers: headers, body: body, limits: limits, mustNotRepeat: mustNotRepeat)
  }

  func operationLimits(maximumResponseBytes: Int = 1 << 20, total: Duration? = nil) -> HTTPExchange.Limits {
    let total = total ?? configuration.timeouts.operation
    return HTTPExchange.Limits(
      connect: min(configuration.timeouts.connect, total), idle: total, total: total,
      maximumResponseBytes: maximumResponseBytes)
  }

  var transferLimits: HTTPExchange.Limits {
    HTTPExchange.Limits(
      connect: configuration.timeouts.connect, idle: configuration.timeouts.idle, total: nil,
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
      reason, isAmbiguous: isWrite && failure.requestMayHaveBeenSent,
      message: "\(name): \(what): \(text(failure.message))")
  }

  func providerError(_ what: String, _ response: HTTPExchange.Response, isWrite: Bool) -> ProviderError {
    let error = ErrorBody(body: response.body)
    let disposition = Classification.disposition(
      statusCode: response.status, error: error, retryAfter: RetryAfter.parse(response, now: now()),
      shouldRetry: RetryAfter.shouldRetry(response))
    let reason: ProviderError.Reason =
      switch disposition {
      case .rejected where response.status == 404: .notFound
      case .rejected: .rejected(statusCode: response.status)
      case .rateLimited(let retryAfter): .rateLimited(retryAfter: retryAfter)
      case .retryable(let retryAfter): .unavailable(retryAfter: retryAfter)
      case .accountClosed(let fault): .accountClosed(fault)
      case .succeeded, .notExecuted: .invalidResponse
      }
    // A gateway may answer for a server that goes on working.
    let isUnclear = response.status >= 500 || response.status == 408 || response.status == 409
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

  func text(_ text: String) -> String { ProviderText.line(text, hiding: configuration.apiKeys) }
}
