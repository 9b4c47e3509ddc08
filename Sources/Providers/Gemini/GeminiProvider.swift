public import BatchCore
import Wire

/// The Gemini API: `generateContent`, and batches of uploaded files, with one key.
public struct GeminiProvider: Sendable {
  let configuration: GeminiConfiguration
  let key: APIKey?
  let http: any HTTPExchanging
  let now: @Sendable () -> Timestamp
  let base: String

  /// - Parameter now: the wall clock, for waits that are told as a time of day.
  public init(
    configuration: GeminiConfiguration, http: any HTTPExchanging, now: @escaping @Sendable () -> Timestamp
  ) {
    self.init(configuration: configuration, key: configuration.apiKeys.first, http: http, now: now)
  }

  private init(
    configuration: GeminiConfiguration, key: APIKey?, http: any HTTPExchanging,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.configuration = configuration
    self.key = key
    self.http = http
    self.now = now
    // The SDK's base URL has no version, though many write one.
    var base = configuration.endpoint
    while base.hasSuffix("/") { base.removeLast() }
    if let version = ["/v1beta", "/v1"].first(where: base.hasSuffix) { base.removeLast(version.count) }
    self.base = base
  }

  /// The same provider with the key of that fingerprint; nil if it is not configured.
  public func pinned(to fingerprint: String) -> GeminiProvider? {
    withEachKey.first { $0.key?.fingerprint == fingerprint }
  }

  /// The provider with each of its keys, in their order.
  public var withEachKey: [GeminiProvider] {
    configuration.apiKeys.map { GeminiProvider(configuration: configuration, key: $0, http: http, now: now) }
  }

  public var name: String { configuration.name }

  /// Provider, URL without credentials, and the key's fingerprint.
  public var account: String { "\(name) \(ProviderText.withoutUserInfo(base)) \(key?.fingerprint ?? "none")" }

  public var capabilities: ProviderCapabilities { configuration.capabilities }

  /// Asks for one entry of the list of models, to see whether address and key are good.
  public func probe() async throws(ProviderError) {
    let request = makeRequest("GET", versioned("models?pageSize=1"), limits: operationLimits())
    _ = try await perform("list of models", request, isWrite: false)
  }

  /// Makes one synchronous call. Failures are outcomes.
  public func call(_ call: ProviderCall) async -> CallOutcome {
    let form = GenerateForm(model: call.model, endpoint: call.endpoint)
    var body: [UInt8] = []
    do {
      try form.append(call.body, to: &body)
    } catch {
      return CallOutcome(
        disposition: .rejected, response: nil, usage: nil, mayHaveBeenPaid: false, message: "\(name): \(error)")
    }
    var outcome = await post(
      [body], to: path(ofModel: call.model) + ":generateContent", timeout: call.timeout, usageKey: "usageMetadata",
      usage: GenerateUsage.usage)
    if form.isTranslated { outcome.response = translated(outcome.response) }
    return outcome
  }

  /// What in the body has no counterpart here, by its name; nil if it can be sent.
  public func objection(to body: RequestBody, endpoint: Endpoint) -> String? {
    guard endpoint == .chatCompletions else { return nil }
    do throws(ChatRefusal) {
      _ = try GenerateTranslation().body(of: body.bytes, model: "")
      return nil
    } catch {
      return error.description
    }
  }

  /// An answer in OpenAI's shape.
  func translated(_ response: ProviderResponse?) -> ProviderResponse? {
    guard var response else { return nil }
    response.body = GenerateTranslation()
      .answer(
        response.body, isSuccess: (200..<300).contains(response.statusCode), created: now().milliseconds / 1000)
    return response
  }
}

extension GeminiProvider: APIAccount {
  var apiKeys: [APIKey] { configuration.apiKeys }
  var timeouts: ProviderTimeouts { configuration.timeouts }
  var maximumResponseBytes: Int { configuration.maximumResponseBytes }

  var ownHeaders: [HTTPExchange.Header] {
    var headers: [HTTPExchange.Header] = [("User-Agent", configuration.userAgent)]
    if let key { headers.append(("x-goog-api-key", key.secret)) }
    return headers
  }

  /// The wait stands in the body.
  func retryAfter(_ response: HTTPExchange.Response) -> Duration? {
    if let wait = RetryAfter.parse(response, now: now()) { return wait }
    let body = try? JSONSlice.parse(response.body, maximumDepth: JSONDepth.answers)
    let error = (body?.kind == .array ? body?.elements.first { _ in true } : body)?["error"]
    return error.flatMap { GoogleDetails($0).pause(now: now()) }
  }

  /// - Parameter path: Below the version.
  func versioned(_ path: String) -> String { "/\(configuration.version)/\(path)" }

  /// - Parameter name: With or without the collection that it is in: `models/…`, `tunedModels/…`.
  func path(ofModel name: String) -> String {
    let parts = name.split(separator: "/").map { ProviderText.pathSegment(String($0)) }
    return versioned((parts.count > 1 ? parts : ["models"] + parts).joined(separator: "/"))
  }

  /// - Parameters:
  ///   - id: As the provider names it: `batches/…`, `files/…`.
  ///   - collection: What ids are taken to be in that do not say it.
  func path(_ id: String, in collection: String) -> String {
    let own = id.hasPrefix(collection + "/") ? String(id.dropFirst(collection.count + 1)) : id
    return versioned("\(collection)/\(ProviderText.pathSegment(own))")
  }
}
