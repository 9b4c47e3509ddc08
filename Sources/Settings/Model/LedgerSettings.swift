/// Where the durable record lies and how long it keeps what.
public struct LedgerSettings: Sendable, Equatable {
  /// The store behind the ledger.
  public enum Engine: Sendable, Equatable {
    case sqlite(path: String)
    case postgres(ConnectionURL)
  }

  public var url = ConnectionURL("sqlite:///var/lib/millrace/ledger.sqlite")
  /// How long outcomes and costs are kept, and so how long an identity is remembered.
  public var retention = Duration.seconds(31 * 86_400)
  /// How long request and reply bodies are kept.
  public var bodyRetention = Duration.seconds(7 * 86_400)
  /// How long a replica that shares the ledger owns what it works on without renewing its claim.
  public var lease = Duration.seconds(30)
  /// Bytes of accepted, unfinished work beyond which intake pauses.
  public var maxBacklogBytes = 53_687_091_200
  /// Bytes free on the ledger's disk below which intake pauses.
  public var minFreeDisk = 2_147_483_648
  /// Whether several replicas with a ledger of their own may serve the interactive lane.
  public var allowUnsharedInteractive = false

  public init() {}

  /// What `url` names; nothing where it names neither a file nor a database.
  public var engine: Engine? {
    switch url.scheme {
    case "sqlite":
      let text = url.reveal()
      guard text.hasPrefix("sqlite://"), url.userInformation == nil else { return nil }
      let path = String(text.dropFirst("sqlite://".count))
      return path.isEmpty || path.hasSuffix("/") ? nil : .sqlite(path: path)
    case "postgres", "postgresql":
      return url.hasLocation ? .postgres(url) : nil
    default:
      return nil
    }
  }
}

/// Whom a request is charged to.
public struct TenancySettings: Sendable, Equatable {
  /// Where the tenant of a request comes from.
  public enum Source: String, Sendable, CaseIterable {
    /// The header `x-tenant`, which the publisher sets as it likes.
    case header
    /// The property `user_id`, which the broker has authenticated.
    case userID = "user_id"
  }

  public var source = Source.header
  /// Shares of the tenants that want the same; a tenant that is not named has 1.
  public var weights: [String: Int] = [:]
  public init() {}
}

/// What is dead-lettered besides poison and exhausted requests.
public struct DeadLetterSettings: Sendable, Equatable {
  /// Whether a definite refusal by the provider is dead-lettered too, besides being answered.
  public var providerRejected = false
  public init() {}
}
