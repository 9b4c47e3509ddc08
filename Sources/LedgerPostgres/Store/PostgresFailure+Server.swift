/// What the server says, read by its code; and what the library says of a connection, which has no code.
extension PostgresFailure {
  /// A failure that the server reported.
  ///
  /// - Parameters:
  ///   - state: SQLSTATE.
  ///   - message: The primary message only: details hold values of rows.
  init(state: String, message: String) {
    // Class 22 quotes the value that it does not like.
    let shown = state.hasPrefix("22") ? message.prefix { $0 != "\"" } : message[...]
    self.init(Self.kind(ofState: state), state: state, OneLine.of(shown))
  }

  private static func kind(ofState state: String) -> Kind {
    switch state {
    case "40001", "40P01": .conflict
    case "23505": .uniqueViolation
    case "25006": .readOnly
    case "53100": .diskFull
    case "53300": .tooManyConnections
    case "55P03": .lockTimeout
    case "57014": .cancelled
    // The session was ended for being idle for too long.
    case "25P03": .connectionLost
    case "42501": .permission
    case "3D000": .missingDatabase
    case "42P01", "3F000": .missingTable
    case "XX001", "XX002": .damaged
    case _ where state.hasPrefix("08") || state.hasPrefix("57P"): .connectionLost
    case _ where state.hasPrefix("23"): .constraintViolation
    case _ where state.hasPrefix("28"): .authentication
    case _ where state.hasPrefix("53"): .outOfResources
    case _ where state.hasPrefix("58"): .inputOutput
    default: .other
    }
  }

  /// A connection that could not be made. The library gives no code for that, so its text is read; a text in another
  /// language counts as a server that cannot be reached.
  init(connecting message: String, hiding password: String?) {
    var text = OneLine.of(message)
    if let password, !password.isEmpty { text = text.replacing(password, with: "***") }
    self.init(Self.kind(ofText: text), text)
  }

  private static func kind(ofText text: String) -> Kind {
    let known: [(Kind, [String])] = [
      (
        .tls,
        [
          "certificate verify failed", "does not match host name", "does not support SSL", "SSL error",
          "root certificate file", "certificate file", "private key file", "SSL context", "certificate store",
        ]
      ),
      (.tooManyConnections, ["too many clients", "too many connections", "remaining connection slots"]),
      (.readOnly, ["session is read-only", "server is in hot standby"]),
      (
        .authentication,
        [
          "authentication failed", "no pg_hba.conf entry", "no password supplied", "not permitted to log in",
          "pg_hba.conf rejects", "requires a valid client certificate", "authentication method",
        ]
      ),
    ]
    // The library's own complaints about parameters; nearly everything else begins with the server that was tried.
    if text.hasPrefix("invalid ") || text.hasPrefix("could not match ") { return .configuration }
    if text.contains("invalid integer value ") { return .configuration }
    for (kind, phrases) in known where phrases.contains(where: { text.contains($0) }) { return kind }
    guard text.contains("does not exist") else { return .connectionLost }
    if text.contains("FATAL: database") { return .missingDatabase }
    return text.contains("FATAL: role") ? .authentication : .connectionLost
  }
}
