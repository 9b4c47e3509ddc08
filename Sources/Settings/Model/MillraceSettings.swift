/// Everything that can be configured, with its defaults.
public struct MillraceSettings: Sendable, Equatable {
  public var amqp = AMQPSettings()
  public var ledger = LedgerSettings()
  public var tenancy = TenancySettings()
  /// In the order of the file.
  public var providers = [
    ProviderSettings(name: "openai", kind: .openai, endpoint: "https://api.openai.com/v1", apiKeys: [])
  ]
  public var models = ModelTable(Self.defaultModels)
  /// Before the shipped table, in the order of the file.
  public var prices: [PriceSettings] = []
  /// In the order of the file.
  public var budgets: [BudgetSettings] = []
  public var batching = BatchingSettings()
  public var execution = ExecutionSettings()
  public var rescue = RescueSettings()
  public var deadLetter = DeadLetterSettings()
  public var observability = ObservabilitySettings()
  public var admin = AdminSettings()

  public init() {}

  static let defaultModels = [
    ModelSettings(pattern: "gpt-4o-mini", routes: [RouteSettings(provider: "openai")]),
    ModelSettings(pattern: "gpt-*", routes: [RouteSettings(provider: "openai")]),
    ModelSettings(pattern: "o1*", routes: [RouteSettings(provider: "openai")]),
    ModelSettings(pattern: "o3*", routes: [RouteSettings(provider: "openai")]),
    ModelSettings(pattern: "o4*", routes: [RouteSettings(provider: "openai")]),
    ModelSettings(pattern: "text-embedding-*", routes: [RouteSettings(provider: "openai")], mode: .embedding),
  ]

  /// The provider with this name.
  public func provider(named name: String) -> ProviderSettings? {
    providers.first { $0.name == name }
  }

  /// Where requests for a model go, in order of preference; empty where no entry of `models` covers it.
  public func route(for model: String) -> [Route] {
    models.routes(for: model)
  }

  /// Every value that no output may show, for a redacting log writer. Well-known defaults are left out.
  public var secrets: [String] {
    var found = providers.flatMap { $0.apiKeys.map { $0.reveal() } }
    found.append(admin.token.reveal())
    var urls = amqp.urls + [ledger.url, execution.webhookURL, observability.otlpEndpoint]
    urls += providers.compactMap(\.proxy)
    found += urls.compactMap(\.password)
    // The password of a fresh broker protects nothing, and as a word it would be cut out of innocent lines.
    return found.filter { !$0.isEmpty && $0 != "guest" }
  }
}
