/// Where a call goes: the path as OpenAI would spell it, and in whose manner it is answered.
struct Address: Hashable, Sendable {
  var dialect = Dialect.openAI
  /// Begins with `/v1` or `/_sim`, unless there is nothing of that name.
  var path: String
  /// The deployment that Azure's dated calls name in their path.
  var deployment: String?

  /// What Mistral calls batches.
  private static let jobs = "/v1/batch/jobs"
  /// What is not under deployments.
  private static let ofResource: Set<String> = ["files", "batches", "models", "responses"]

  /// - Parameter target: Path and query.
  init(target: String) throws(APIError) {
    path = String(target.prefix { $0 != "?" })
    var parts = path.split(separator: "/").map(String.init)
    let prefixes: [Dialect] = [.mistral, .together, .xai, .novita, .noBatch, .noCreate]
    if let named = prefixes.first(where: { $0.rawValue == parts.first }) {
      dialect = named
      path = "/" + parts.dropFirst().joined(separator: "/")
      if named == .xai, path.hasSuffix(":cancel") { path = path.dropLast(":cancel".count) + "/cancel" }
      if named == .mistral, path.hasPrefix(Self.jobs) { path = "/v1/batches" + path.dropFirst(Self.jobs.count) }
      if named == .noBatch, parts.count > 2, parts[2] == "files" || parts[2] == "batches" {
        throw .unknownAddress(path)
      }
      return
    }
    guard parts.first == "openai" else { return }
    parts.removeFirst()
    if parts.first == "v1" {
      dialect = .azure
    } else {
      dialect = .azureDated
      let version = Query(target)["api-version"]
      guard let version, AzureVersion.isKnown(version) else { throw .unknownAddress(path) }
      if parts.first == "deployments" {
        guard parts.count > 2 else { throw .unknownAddress(path) }
        deployment = parts[1]
        parts.removeFirst(2)
        guard let first = parts.first, !Self.ofResource.contains(first) else { throw .unknownAddress(path) }
      } else if parts.first == "chat" || parts.first == "embeddings" {
        throw .unknownAddress(path)
      }
      parts.insert("v1", at: 0)
    }
    path = "/" + parts.joined(separator: "/")
  }
}

/// The `api-version` of Azure's dated paths.
enum AzureVersion {
  /// A date, perhaps followed by `-preview`.
  static func isKnown(_ version: String) -> Bool {
    let parts = version.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3 || (parts.count == 4 && parts[3] == "preview") else { return false }
    let lengths = [4, 2, 2]
    return zip(parts, lengths).allSatisfy { part, length in
      part.utf8.count == length && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
  }
}

extension APIError {
  static func unknownAddress(_ path: String) -> APIError {
    APIError(
      status: 404, message: "Resource not found: \(path)", code: "404", reason: "not_found")
  }
}
