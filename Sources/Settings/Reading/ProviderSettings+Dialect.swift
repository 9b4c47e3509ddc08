/// What says in which way a provider differs from its kind.
extension ProviderSettings {
  mutating func readDialect(_ section: Section, kind: Kind?) {
    deviations = section.optionalChoice("deviations")
    tokenFile = section.text("token_file", "")
    deployments = Self.deployments(section)
    guard let kind else { return }
    if kind != .openaiCompatible { refuse("deviations", section, "of the kind openai-compatible") }
    if kind != .azure {
      refuse("deployments", section, "of the kind azure")
      if kind != .openaiCompatible { refuse("token_file", section, "of the kinds azure and openai-compatible") }
      return
    }
    checkVersion(section)
  }

  /// A key that says nothing for this kind is a mistake.
  private func refuse(_ key: String, _ section: Section, _ owner: String) {
    let path = section.full(key)
    guard section.has(key) || section.reading.scalar(for: path) != nil else { return }
    section.reading.failIfSilent(path, "is a key \(owner); remove it, or set the kind")
  }

  /// Dated paths need their version, and the others have none.
  private func checkVersion(_ section: Section) {
    let path = section.full("api_version")
    if endpoint.hasSuffix("/openai/v1"), !apiVersion.isEmpty {
      section.reading.fail(
        path, "the path /openai/v1 of \(section.full("endpoint")) takes no version; remove one of the two")
    } else if endpoint.hasSuffix("/openai"), apiVersion.isEmpty {
      section.reading.failIfSilent(
        path, "missing; set it, such as to 2024-10-21, or let \(section.full("endpoint")) end in /openai/v1")
    }
  }

  static func azureVersion(_ section: Section) -> String {
    section.text("api_version", "") { text in
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      let digits = parts.prefix(3).map { part in
        part.utf8.allSatisfy { (0x30...0x39).contains($0) } ? part.utf8.count : 0
      }
      let isDate = digits == [4, 2, 2] && (parts.count == 3 || (parts.count == 4 && parts[3] == "preview"))
      return isDate || text.isEmpty ? nil : "not a version; allowed: a date such as 2024-10-21 or 2025-04-01-preview"
    }
  }

  private static func deployments(_ section: Section) -> [String: AzureDeployment] {
    let entries = section.entries("deployments") { name, entry in
      (name, AzureDeployment(batch: entry.text("batch", ""), model: entry.text("model", "")))
    }
    return Dictionary(entries ?? [], uniquingKeysWith: { _, last in last })
  }

  /// The file of a token has to be readable when the service starts; what is in it may change.
  func checkToken(_ section: Section) {
    guard !tokenFile.isEmpty, let scalar = section.reading.scalar(for: section.full("token_file")) else { return }
    let path = section.full("token_file")
    if section.reading.scalar(for: section.full("api_key")) != nil
      || section.reading.scalar(for: section.full("api_key_file")) != nil
    {
      section.reading.fail(path, scalar, "is set beside a key; set one of them")
      return
    }
    do {
      let bytes = try section.reading.readFile(tokenFile)
      let token = String(validating: bytes, as: UTF8.self)?.trimmed ?? ""
      if token.isEmpty {
        section.reading.fail(path, scalar, "holds no token; allowed: one token on one line")
      } else if Self.tokenProblem(token) {
        section.reading.fail(
          path, scalar, "holds something that cannot be sent in a header; allowed: one token on one line")
      }
    } catch {
      section.reading.fail(path, scalar, "cannot be read: \(error)")
    }
  }

  /// Whether a text cannot be a token: tokens may be longer than keys.
  public static func tokenProblem(_ text: String) -> Bool {
    text.utf8.count > 65_536 || text.isEmpty || !text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
  }
}
