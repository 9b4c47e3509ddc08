import Threading

/// Which keys are accepted, and what they stand for.
///
/// | key | answer |
/// |---|---|
/// | named by `--key` | accepted; without `--key`, any that begins with `sk-` |
/// | begins with `sk-revoked` | 401 |
/// | begins with `sk-billing` | 429 `credit_balance_exhausted` for everything that costs |
struct Credentials: Sendable {
  struct Caller: Hashable, Sendable {
    /// First 12 hexadecimal digits of the key's SHA-256.
    var fingerprint: String
    /// Whose files and batches the key sees: the name after `=` in `--key KEY=PROJECT`, else the fingerprint.
    var project: String
    var hasCredit: Bool
  }

  private let projects: [String: String]

  init(keys: [String]) {
    var projects: [String: String] = [:]
    for key in keys {
      let parts = key.split(separator: "=", maxSplits: 1).map(String.init)
      projects[parts.first ?? ""] = parts.count == 2 ? parts[1] : Self.fingerprint(key)
    }
    self.projects = projects
  }

  func caller(authorization: String?) throws(APIError) -> Caller {
    guard let authorization, authorization.utf8.count <= 1024, authorization.hasPrefix("Bearer ") else { throw .noKey }
    let key = String(authorization.dropFirst(7))
    let isKnown = projects.isEmpty ? key.hasPrefix("sk-") : projects[key] != nil
    guard isKnown, !key.hasPrefix("sk-revoked") else { throw .wrongKey }
    let fingerprint = Self.fingerprint(key)
    return Caller(
      fingerprint: fingerprint, project: projects[key] ?? fingerprint, hasCredit: !key.hasPrefix("sk-billing"))
  }

  private static func fingerprint(_ key: String) -> String {
    String(decoding: Bytes.hex(Bytes.sha256(Array(key.utf8)).prefix(6)), as: UTF8.self)
  }
}
