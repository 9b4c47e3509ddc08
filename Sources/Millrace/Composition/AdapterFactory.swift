import BatchCore
import Providers
import Settings
import Wire
import Worker

/// Makes the adapter of a configured provider by its kind.
enum AdapterFactory {
  /// Nil for a kind that this version has no adapter for, which loading the configuration refuses before.
  static func make(_ provider: ProviderSettings, http: any HTTPExchanging) -> (any ProviderAdapter)? {
    let http: any HTTPExchanging =
      provider.tokenFile.isEmpty
      ? http : TokenExchange(exchange: http, file: TokenFile(path: provider.tokenFile, provider: provider.name))
    return switch provider.kind {
    case .openai: openAI(provider, .openAI, provider.endpoint, http)
    case .openaiCompatible: openAI(provider, dialect(of: provider), provider.endpoint, http)
    case .azure: azure(provider, http)
    case .anthropic: anthropic(provider, http)
    case .gemini: gemini(provider, http)
    case .mistral: mistral(provider, http)
    }
  }

  /// The kind's own endpoint; nil for those that speak like OpenAI.
  static func nativeEndpoint(of kind: ProviderSettings.Kind) -> Endpoint? {
    switch kind {
    case .anthropic: .messages
    case .gemini: .generateContent
    case .mistral: .mistralChat
    case .openai, .azure, .openaiCompatible: nil
    }
  }

  private static func anthropic(_ provider: ProviderSettings, _ http: any HTTPExchanging) -> AnthropicProvider {
    var configuration = AnthropicConfiguration(
      name: provider.name, endpoint: provider.endpoint, apiKeys: keys(of: provider))
    configuration.version = provider.apiVersion
    configuration.userAgent = MillraceVersion.userAgent
    return AnthropicProvider(configuration: configuration, http: http, now: now)
  }

  private static func gemini(_ provider: ProviderSettings, _ http: any HTTPExchanging) -> GeminiProvider {
    var configuration = GeminiConfiguration(
      name: provider.name, endpoint: provider.endpoint, apiKeys: keys(of: provider))
    configuration.version = provider.apiVersion
    configuration.userAgent = MillraceVersion.userAgent
    return GeminiProvider(configuration: configuration, http: http, now: now)
  }

  private static func mistral(_ provider: ProviderSettings, _ http: any HTTPExchanging) -> MistralProvider {
    var configuration = MistralConfiguration(
      name: provider.name, endpoint: provider.endpoint, apiKeys: keys(of: provider))
    configuration.userAgent = MillraceVersion.userAgent
    configuration.timeoutHours = Int(max(1, provider.completionWindow.wholeMilliseconds / 3_600_000))
    return MistralProvider(configuration: configuration, http: http, now: now)
  }

  private static func openAI(
    _ provider: ProviderSettings, _ dialect: OpenAIDialect, _ endpoint: String, _ http: any HTTPExchanging
  ) -> OpenAIProvider {
    var configuration = OpenAIConfiguration(
      name: provider.name, dialect: dialect, endpoint: endpoint, apiKeys: keys(of: provider))
    configuration.userAgent = MillraceVersion.userAgent
    configuration.organization = provider.organization.isEmpty ? nil : provider.organization
    configuration.project = provider.project.isEmpty ? nil : provider.project
    configuration.completionWindow = "\(max(1, provider.completionWindow.wholeMilliseconds / 3_600_000))h"
    return OpenAIProvider(configuration: configuration, http: http, now: now)
  }

  private static func azure(_ provider: ProviderSettings, _ http: any HTTPExchanging) -> OpenAIProvider {
    let version = provider.apiVersion.isEmpty ? nil : provider.apiVersion
    let dialect = OpenAIDialect.azure(
      apiVersion: version, batchDeployments: provider.deployments.mapValues(\.batch).filter { !$0.value.isEmpty })
    return openAI(
      provider, dialect, OpenAIDialect.azureBase(endpoint: provider.endpoint, apiVersion: version), http)
  }

  /// What the configuration says, else what the host is known for.
  private static func dialect(of provider: ProviderSettings) -> OpenAIDialect {
    provider.deviations.flatMap { OpenAIDialect.named($0.rawValue) } ?? OpenAIDialect.at(provider.endpoint)
  }

  private static let now: @Sendable () -> Timestamp = { SystemTimekeeper().now() }

  private static func keys(of provider: ProviderSettings) -> [APIKey] {
    provider.apiKeys.map { key in
      // Names a key without giving it away.
      let fingerprint = SHA256Digest.of(Array(key.reveal().utf8)).hex.prefix(8)
      return APIKey(secret: key.reveal(), fingerprint: String(fingerprint))
    }
  }
}
