import Threading

/// Which keys are accepted, and what they stand for.
///
/// | key | answer |
/// |---|---|
/// | named by `--key` | accepted; without `--key`, any that begins with `sk-` |
/// | begins with `sk-revoked` | 401 |
/// | begins with `sk-billing` | 429 `credit_balance_exhausted` for everything that costs |
/// | in `revoked_keys`, `forbidden_keys` | 401, 403 |
struct Credentials: Sendable {
  struct Caller: Hashable, Sendable {
    /// First 12 hexadecimal digits of the key's SHA-256.
    var fingerprint: String
    /// Whose files and batches the key sees: the name after `=` in `--key KEY=PROJECT`, else the fingerprint.
    var project: String
    var hasCredit: Bool

    /// - Parameter list: Of fingerprints and projects; `*` is all.
    func isAmong(_ list: Set<String>) -> Bool {
      !list.isEmpty && (list.contains(fingerprint) || list.contains(project) || list.contains("*"))
    }
  }

  private let projects: [String: String]
  private let fingerprints: [String: Set<String>]

  init(keys: [String]) {
    var projects: [String: String] = [:]
    for key in keys {
      let parts = key.split(separator: "=", maxSplits: 1).map(String.init)
      projects[parts.first ?? ""] = parts.count == 2 ? parts[1] : Self.fingerprint(key)
    }
    self.projects = projects
    fingerprints = Dictionary(projects.map { ($0.value, [Self.fingerprint($0.key)]) }) { $0.union($1) }
  }

  /// - Parameter fingerprint: Gets the fingerprint of whatever key there is.
  func caller(
    authorization: String?, apiKey: String? = nil, dialect: Dialect = .openAI, behaviour: Behaviour = Behaviour(),
    fingerprint: inout String
  ) throws(APIError) -> Caller {
    let key: String
    if dialect.isAzure, let apiKey, apiKey.utf8.count <= 1024, authorization == nil {
      key = apiKey
    } else {
      guard let authorization, authorization.utf8.count <= 8192, authorization.hasPrefix("Bearer ") else {
        throw dialect.isAzure ? .wrongSubscription : .noKey
      }
      key = String(authorization.dropFirst(7))
    }
    fingerprint = Self.fingerprint(key)
    let isKnown = projects.isEmpty ? key.hasPrefix("sk-") : projects[key] != nil
    let caller = Caller(
      fingerprint: fingerprint, project: projects[key] ?? fingerprint, hasCredit: !key.hasPrefix("sk-billing"))
    guard isKnown, !key.hasPrefix("sk-revoked"), !caller.isAmong(behaviour.revokedKeys) else {
      throw dialect.isAzure ? .wrongSubscription : .wrongKey
    }
    guard !caller.isAmong(behaviour.forbiddenKeys) else { throw .forbiddenKey }
    return caller
  }

  /// Of all keys of a project.
  func fingerprints(of project: String) -> Set<String> { fingerprints[project] ?? [project] }

  static func fingerprint(_ key: String) -> String {
    String(decoding: Bytes.hex(Bytes.sha256(Array(key.utf8)).prefix(6)), as: UTF8.self)
  }
}
