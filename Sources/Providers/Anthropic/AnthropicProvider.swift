public import BatchCore
import Wire

/// Anthropic: Messages, and Message Batches whose rows travel in the create, with one key.
public struct AnthropicProvider: Sendable {
  let configuration: AnthropicConfiguration
  let key: APIKey?
  let http: any HTTPExchanging
  let now: @Sendable () -> Timestamp
  let base: String

  /// - Parameter now: the wall clock, for `retry-after` headers that name a time of day.
  public init(
    configuration: AnthropicConfiguration, http: any HTTPExchanging, now: @escaping @Sendable () -> Timestamp
  ) {
    self.init(configuration: configuration, key: configuration.apiKeys.first, http: http, now: now)
  }

  private init(
    configuration: AnthropicConfiguration, key: APIKey?, http: any HTTPExchanging,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.configuration = configuration
    self.key = key
    self.http = http
    self.now = now
    // The SDK's base URL has no version, though many write one.
    var base = configuration.endpoint
    while base.hasSuffix("/") { base.removeLast() }
    if base.hasSuffix("/v1") { base.removeLast(3) }
    self.base = base
  }

  /// The same provider with the key of that fingerprint; nil if it is not configured.
  public func pinned(to fingerprint: String) -> AnthropicProvider? {
    withEachKey.first { $0.key?.fingerprint == fingerprint }
  }

  /// The provider with each of its keys, in their order.
  public var withEachKey: [AnthropicProvider] {
    configuration.apiKeys.map { AnthropicProvider(configuration: configuration, key: $0, http: http, now: now) }
  }

  public var name: String { configuration.name }

  /// Provider, URL without credentials, and the key's fingerprint.
  public var account: String { "\(name) \(ProviderText.withoutUserInfo(base)) \(key?.fingerprint ?? "none")" }

  public var capabilities: ProviderCapabilities { configuration.capabilities }

  /// Asks for one entry of the list of models, to see whether address and key are good.
  public func probe() async throws(ProviderError) {
    let request = makeRequest("GET", "/v1/models?limit=1", limits: operationLimits())
    _ = try await perform("list of models", request, isWrite: false)
  }

  /// Makes one synchronous call. Failures are outcomes.
  public func call(_ call: ProviderCall) async -> CallOutcome {
    let form = MessageForm(model: call.model, endpoint: call.endpoint)
    var body: [UInt8] = []
    do {
      try form.append(call.body, to: &body)
    } catch {
      return CallOutcome(
        disposition: .rejected, response: nil, usage: nil, mayHaveBeenPaid: false, message: "\(name): \(error)")
    }
    var outcome = await post([body], to: "/v1/messages", timeout: call.timeout, usage: MessageUsage.usage)
    if form.isTranslated { outcome.response = translated(outcome.response) }
    return outcome
  }

  /// What in the body has no counterpart here, by its name; nil if it can be sent.
  public func objection(to body: RequestBody, endpoint: Endpoint) -> String? {
    guard endpoint != .messages else { return nil }
    do throws(ChatRefusal) {
      _ = try MessageTranslation().body(of: body.bytes, model: "")
      return nil
    } catch {
      return error.description
    }
  }
}

extension AnthropicProvider: APIAccount {
  var apiKeys: [APIKey] { configuration.apiKeys }
  var timeouts: ProviderTimeouts { configuration.timeouts }
  var maximumResponseBytes: Int { configuration.maximumResponseBytes }

  var ownHeaders: [HTTPExchange.Header] {
    var headers: [HTTPExchange.Header] = [
      ("User-Agent", configuration.userAgent), ("anthropic-version", configuration.version),
    ]
    if let key { headers.append(("x-api-key", key.secret)) }
    return headers
  }
}
