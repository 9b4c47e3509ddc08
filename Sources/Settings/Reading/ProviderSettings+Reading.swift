extension ProviderSettings {
  /// A provider with the problems of its keys set apart, as they only matter when a route leads to it.
  typealias Read = (settings: ProviderSettings, keyProblems: [SettingsError.Problem])

  /// Reads one entry of `providers`.
  static func read(name: String, _ section: Section, fallback: ProviderSettings?) -> Read {
    let reading = section.reading
    let kind = section.optionalChoice("kind") ?? fallback?.kind
    if kind == nil, reading.scalar(for: section.full("kind")) == nil {
      reading.failIfSilent(
        section.full("kind"), "missing; allowed: " + Kind.allCases.map(\.rawValue).joined(separator: ", "))
    }
    let dialect = kind ?? .openaiCompatible
    var settings = ProviderSettings(name: name, kind: dialect, endpoint: "", apiKeys: [])
    settings.endpoint = endpoint(section, kind: kind)
    settings.apiVersion = version(section, kind: dialect)
    settings.organization = section.text("organization", "", problem: headerProblem)
    settings.project = section.text("project", "", problem: headerProblem)
    let hour = Duration.seconds(3600)
    settings.completionWindow = section.duration("completion_window", settings.completionWindow, hour...(hour * 168))
    settings.timeout = section.duration("timeout", settings.timeout, .seconds(1)...hour)
    settings.caFile = section.text("ca_file", "")
    let proxy = section.url("proxy", "", schemes: ["http", "https", "socks5", "socks5h"])
    settings.proxy = proxy.reveal().isEmpty ? nil : proxy
    settings.limits = section.section("limits") { Limits(reading: $0, defaults: .defaults(for: dialect)) }

    settings.readDialect(section, kind: kind)
    let hasToken = !settings.tokenFile.isEmpty
    let (keys, problems) = reading.setAside {
      let keys = APIKeys.read(section, provider: name, kind: kind, hasToken: hasToken)
      settings.checkToken(section)
      return keys
    }
    settings.apiKeys = keys
    return (settings, problems)
  }

  private static func version(_ section: Section, kind: Kind) -> String {
    if kind == .azure { return azureVersion(section) }
    let fallback = kind.defaultAPIVersion
    return section.text("api_version", fallback) { text in
      if fallback.isEmpty { return text.isEmpty ? nil : "means nothing for the kind \(kind.rawValue); leave it out" }
      return text.isEmpty ? "empty; leave it out for \(fallback)" : headerProblem(text)
    }
  }

  private static func endpoint(_ section: Section, kind: Kind?) -> String {
    guard let scalar = section.scalar("endpoint", default: kind?.defaultEndpoint, .url) else {
      if kind != nil {
        section.reading.failIfSilent(
          section.full("endpoint"),
          kind == .azure
            ? "missing; set the resource's address, such as https://name.openai.azure.com"
            : "missing; set the base URL, such as https://host/v1")
      }
      return ""
    }
    guard let url = section.checkedURL(scalar, key: "endpoint", schemes: ["http", "https"]) else { return "" }
    let text = url.reveal()
    if url.userInformation != nil || text.contains("?") || text.contains("#") {
      section.reading.fail(
        section.full("endpoint"), scalar, "holds more than a base URL; allowed: no user name, no \"?\" and no \"#\"")
      return ""
    }
    return text.hasSuffix("/") ? String(text.dropLast()) : text
  }

  /// What keeps a text from being the value of an HTTP header.
  static func headerProblem(_ text: String) -> String? {
    let fits = text.utf8.count <= 4096 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    return fits ? nil : "cannot be sent in a header; allowed: visible ASCII characters without blanks"
  }
}

extension ProviderSettings.Limits {
  fileprivate init(reading section: Section, defaults: Self) {
    self = defaults
    requestsPerMinute = section.limit("requests_per_minute", requestsPerMinute, 1...100_000_000)
    tokensPerMinute = section.limit("tokens_per_minute", tokensPerMinute, 1...1_000_000_000_000)
    concurrency = section.whole("concurrency", concurrency, 1...10_000)
    enqueuedTokens = section.limit("enqueued_tokens", enqueuedTokens, 1...1_000_000_000_000_000)
    batchCreatesPerHour = section.limit("batch_creates_per_hour", batchCreatesPerHour, 1...1_000_000)
  }
}
