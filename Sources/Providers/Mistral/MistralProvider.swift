public import BatchCore
import Wire

/// Mistral: chat completions and embeddings, files and batch jobs, with one key.
public struct MistralProvider: Sendable {
  let configuration: MistralConfiguration
  let key: APIKey?
  let http: any HTTPExchanging
  let now: @Sendable () -> Timestamp
  let base: String

  /// - Parameter now: the wall clock, for `retry-after` headers that name a time of day.
  public init(
    configuration: MistralConfiguration, http: any HTTPExchanging, now: @escaping @Sendable () -> Timestamp
  ) {
    self.init(configuration: configuration, key: configuration.apiKeys.first, http: http, now: now)
  }

  private init(
    configuration: MistralConfiguration, key: APIKey?, http: any HTTPExchanging,
    now: @escaping @Sendable () -> Timestamp
  ) {
    self.configuration = configuration
    self.key = key
    self.http = http
    self.now = now
    // The SDK's server URL has no version, though many write one.
    var base = configuration.endpoint
    while base.hasSuffix("/") { base.removeLast() }
    if base.hasSuffix("/v1") { base.removeLast(3) }
    self.base = base
  }

  /// The same provider with the key of that fingerprint; nil if it is not configured.
  public func pinned(to fingerprint: String) -> MistralProvider? {
    withEachKey.first { $0.key?.fingerprint == fingerprint }
  }

  /// The provider with each of its keys, in their order.
  public var withEachKey: [MistralProvider] {
    configuration.apiKeys.map { MistralProvider(configuration: configuration, key: $0, http: http, now: now) }
  }

  public var name: String { configuration.name }

  /// Provider, URL without credentials, and the key's fingerprint.
  public var account: String { "\(name) \(ProviderText.withoutUserInfo(base)) \(key?.fingerprint ?? "none")" }

  public var capabilities: ProviderCapabilities { configuration.capabilities }

  /// Asks for the list of models, to see whether address and key are good.
  public func probe() async throws(ProviderError) {
    let request = makeRequest("GET", "/v1/models", limits: operationLimits(maximumResponseBytes: 16 << 20))
    _ = try await perform("list of models", request, isWrite: false)
  }

  /// Makes one synchronous call. Failures are outcomes.
  public func call(_ call: ProviderCall) async -> CallOutcome {
    let form = MistralForm(model: call.model, endpoint: call.endpoint)
    let segments: [[UInt8]]
    do {
      segments = try form.segments(of: call.body)
    } catch {
      return CallOutcome(
        disposition: .rejected, response: nil, usage: nil, mayHaveBeenPaid: false, message: "\(name): \(error)")
    }
    var outcome = await post(
      segments, to: call.endpoint.sentPath, timeout: call.timeout, usage: MistralUsage.usage)
    if form.isTranslated { outcome.response = translated(outcome.response) }
    return outcome
  }

  /// What in the body has no counterpart here, by its name; nil if it can be sent.
  public func objection(to body: RequestBody, endpoint: Endpoint) -> String? {
    guard MistralForm(model: "", endpoint: endpoint).isTranslated else { return nil }
    do throws(ChatRefusal) {
      _ = try MistralTranslation().body(of: body.bytes, model: nil)
      return nil
    } catch {
      return error.description
    }
  }

  /// An answer in OpenAI's shape.
  func translated(_ response: ProviderResponse?) -> ProviderResponse? {
    guard var response else { return nil }
    response.body = MistralTranslation().answer(
      response.body, isSuccess: (200..<300).contains(response.statusCode))
    return response
  }
}

extension MistralProvider: APIAccount {
  var apiKeys: [APIKey] { configuration.apiKeys }
  var timeouts: ProviderTimeouts { configuration.timeouts }
  var maximumResponseBytes: Int { configuration.maximumResponseBytes }

  var ownHeaders: [HTTPExchange.Header] {
    var headers: [HTTPExchange.Header] = [("User-Agent", configuration.userAgent)]
    if let key { headers.append(("Authorization", "Bearer " + key.secret)) }
    return headers
  }
}
