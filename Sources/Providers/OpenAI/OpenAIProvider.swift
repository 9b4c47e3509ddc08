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

  public var capabilities: ProviderCapabilities { configuration.dialect.capabilities }

  /// The exact size in bytes of the input file that such rows make, from sums over them.
  /// - Parameters:
  ///   - customIDBytes: the lengths of the rows' custom ids.
  ///   - bodyBytes: the sizes of the rows' bodies.
  ///   - modelRangeBytes: the lengths of the bodies' model ranges.
  public func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    configuration.dialect.line(model: model, endpoint: endpoint)
      .size(of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes)
  }
}

extension OpenAIProvider: APIAccount {
  var apiKeys: [APIKey] { configuration.apiKeys }
  var timeouts: ProviderTimeouts { configuration.timeouts }
  var maximumResponseBytes: Int { configuration.maximumResponseBytes }

  func url(_ path: String) -> String {
    guard let version = configuration.dialect.apiVersion else { return base + path }
    return base + path + (path.contains("?") ? "&" : "?") + "api-version=" + version
  }

  var ownHeaders: [HTTPExchange.Header] {
    var headers: [HTTPExchange.Header] = [("User-Agent", configuration.userAgent)]
    if let key {
      headers.append(
        configuration.dialect.keyHeader.map { ($0, key.secret) } ?? ("Authorization", "Bearer " + key.secret))
    }
    if let organization = configuration.organization { headers.append(("OpenAI-Organization", organization)) }
    if let project = configuration.project { headers.append(("OpenAI-Project", project)) }
    return headers
  }
}
