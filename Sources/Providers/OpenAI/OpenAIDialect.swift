public import BatchCore

/// In what a server that speaks like OpenAI differs from it: data, and where that is not enough a ``BatchShape``.
public struct OpenAIDialect: Sendable {
  /// How a file tells that a batch can be made of it. A file that does not say is ready.
  public struct Processing: Sendable {
    /// The member that tells.
    public var member: String
    /// In lower case.
    public var ready: Set<String>
    public var failed: Set<String>
    /// How long it may take.
    public var limit: Duration
  }

  /// As the configuration names it.
  public var name: String
  public var capabilities: ProviderCapabilities
  /// Hosts whose name ends so, if the configuration does not say which dialect an endpoint speaks.
  public var hosts: [String] = []
  /// The header of the key; nil for `Authorization: Bearer`.
  public var keyHeader: String?
  /// The version of paths that name it, in Azure's way; nil where the base URL has all that is needed.
  public var apiVersion: String?
  /// What a batch and its rows call an endpoint begins with.
  public var batchPathPrefix = "/v1"
  /// Of the form that uploads an input file.
  public var purpose = "batch"
  /// More fields of that form.
  public var uploadFields: [(name: String, value: String)] = []
  /// The field of that form that names the model, where the server must know it.
  public var uploadModelField: String?
  public var processing: Processing?
  /// Whether a create takes metadata and the batch gives it back. Without, it is known by its input file.
  public var keepsMetadata = true
  /// Whether nothing of ours can be found in an input file that was not found by its label: that is the server's promise.
  public var keepsLabels = false
  /// Whether reasoning tokens are billed besides the output tokens and not within.
  public var reasoningIsExtra = false
  /// Whether an output file's id may be an address, which is fetched without a key.
  public var resultsMayBeURLs = false
  /// The models that batches of a model use, where calls use another: Azure's deployments.
  public var batchModels: [String: String] = [:]
  var shape: any BatchShape = StandardShape()

  init(_ name: String, _ capabilities: ProviderCapabilities) {
    self.name = name
    self.capabilities = capabilities
  }

  /// OpenAI itself.
  public static let openAI: OpenAIDialect = {
    var dialect = OpenAIDialect("openai", .openAI)
    dialect.keepsLabels = true
    return dialect
  }()

  /// A server of which nothing else is known.
  public static let openAICompatible = OpenAIDialect("none", .openAICompatible)

  /// What a batch and its rows call the endpoint.
  func batchPath(of endpoint: Endpoint) -> String { batchPathPrefix + endpoint.path.dropFirst("/v1".count) }

  /// The path of a synchronous call below the base URL.
  func callPath(_ endpoint: Endpoint, model: String) -> String {
    // Base URLs end in the version that the endpoint's path begins with.
    let path = String(endpoint.path.dropFirst("/v1".count))
    // Responses are the resource's, and name the deployment in their body only.
    return apiVersion == nil || endpoint == .responses ? path : "/deployments/\(ProviderText.pathSegment(model))\(path)"
  }

  func line(model: String, endpoint: Endpoint) -> BatchLine {
    BatchLine(model: batchModels[model] ?? model, path: batchPath(of: endpoint))
  }
}
