/// One provider: where it is, which keys open it, and what it allows.
public struct ProviderSettings: Sendable, Equatable {
  /// The dialect a provider speaks.
  public enum Kind: String, Sendable, CaseIterable {
    case openai, azure, anthropic, gemini, mistral
    case openaiCompatible = "openai-compatible"

    /// Where the vendor's own libraries send requests, for kinds that have one address for everybody.
    public var defaultEndpoint: String? {
      switch self {
      case .openai: "https://api.openai.com/v1"
      case .anthropic: "https://api.anthropic.com"
      case .gemini: "https://generativelanguage.googleapis.com"
      case .mistral: "https://api.mistral.ai/v1"
      case .azure, .openaiCompatible: nil
      }
    }

    /// Empty for kinds whose requests name no version.
    public var defaultAPIVersion: String {
      switch self {
      case .anthropic: "2023-06-01"
      case .gemini: "v1beta"
      case .openai, .azure, .mistral, .openaiCompatible: ""
      }
    }
  }

  /// Ceilings of what the account allows. What is not set is learned from the provider's answers: a wrong ceiling would
  /// hold an account back for ever, and every provider says what it allows.
  public struct Limits: Sendable, Equatable {
    public var requestsPerMinute: Int?
    public var tokensPerMinute: Int?
    /// Calls in flight at once to each model, of all replicas together.
    public var concurrency = 64
    /// Prompt tokens in unfinished batches.
    public var enqueuedTokens: Int?
    public var batchCreatesPerHour: Int?

    public init(
      requestsPerMinute: Int? = nil, tokensPerMinute: Int? = nil, concurrency: Int = 64, enqueuedTokens: Int? = nil,
      batchCreatesPerHour: Int? = nil
    ) {
      self.requestsPerMinute = requestsPerMinute
      self.tokensPerMinute = tokensPerMinute
      self.concurrency = concurrency
      self.enqueuedTokens = enqueuedTokens
      self.batchCreatesPerHour = batchCreatesPerHour
    }

    /// What holds for a kind where the configuration is silent.
    public static func defaults(for kind: Kind) -> Limits {
      guard kind == .openai else { return Limits() }
      return Limits(batchCreatesPerHour: 2000)
    }
  }

  /// The name that routes use.
  public var name: String
  public var kind: Kind
  /// The base URL, without a slash at its end.
  public var endpoint: String
  /// The first is for new work, the others for batches that were created with them. Empty: calls carry no key.
  public var apiKeys: [Secret]
  /// What `anthropic-version` says, what Gemini's paths begin with, or of Azure the version of the dated paths; empty there:
  /// the paths of `/openai/v1`.
  public var apiVersion = ""
  public var organization = ""
  public var project = ""
  /// What a batch is created with.
  public var completionWindow = Duration.seconds(86_400)
  /// The time one synchronous call may take.
  public var timeout = Duration.seconds(600)
  /// Certificates to trust instead of the system's. Empty: the system's.
  public var caFile = ""
  public var proxy: ConnectionURL?
  /// In what an openai-compatible server differs; nil: what its host is known for.
  public var deviations: Deviations?
  /// A file with a bearer token that replaces the keys; it is read again when it changes. Empty: none.
  public var tokenFile = ""
  /// Of Azure, by the name that routes use.
  public var deployments: [String: AzureDeployment] = [:]
  public var limits: Limits

  public init(name: String, kind: Kind, endpoint: String, apiKeys: [Secret], limits: Limits? = nil) {
    self.name = name
    self.kind = kind
    self.endpoint = endpoint
    self.apiKeys = apiKeys
    self.limits = limits ?? .defaults(for: kind)
    apiVersion = kind.defaultAPIVersion
  }
}
