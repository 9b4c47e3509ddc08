import CPostgres

/// How to reach a database: a URL as libpq reads it, with what a client that must not hang adds.
struct PostgresParameters: Sendable {
  /// In libpq's order; a later one wins.
  private(set) var options: [(key: String, value: String)]
  /// How long a statement may take before the connection counts as lost.
  var statementTimeout = Duration.seconds(30)
  /// `host:port/database` as the user, for messages; no password.
  private(set) var place: String

  /// - Throws: a failure that says what libpq does not like about the URL, without its password.
  init(url: String) throws(PostgresFailure) {
    let given = try Self.parse(url)
    func value(_ key: String, _ otherwise: String) -> String { given.last { $0.key == key }?.value ?? otherwise }
    options = given
    place =
      "postgres://\(value("user", ""))@\(value("host", "localhost")):\(value("port", "5432"))/\(value("dbname", ""))"
    add("connect_timeout", "10")
    add("keepalives", "1")
    add("keepalives_idle", "10")
    add("keepalives_interval", "5")
    add("keepalives_count", "3")
    // Unacknowledged data of a half-open connection: the kernel would go on sending for a quarter of an hour.
    add("tcp_user_timeout", "20000")
    add("fallback_application_name", "millrace")
    options.append((key: "client_encoding", value: "UTF8"))
  }

  /// What the user has set stays.
  private mutating func add(_ key: String, _ value: String) {
    if !options.contains(where: { $0.key == key }) { options.append((key, value)) }
  }

  private static func parse(_ url: String) throws(PostgresFailure) -> [(key: String, value: String)] {
    var error: UnsafeMutablePointer<CChar>?
    guard let list = unsafe PQconninfoParse(url, &error) else {
      defer { unsafe PQfreemem(error) }
      // What libpq says may quote the URL.
      let text = unsafe error.map { unsafe String(cString: $0) } ?? "out of memory"
      throw PostgresFailure(state: "", message: withoutPassword(text, url))
    }
    defer { unsafe PQconninfoFree(list) }
    var options: [(key: String, value: String)] = []
    var option = unsafe list
    while let keyword = unsafe option.pointee.keyword {
      if let value = unsafe option.pointee.val {
        unsafe options.append((key: String(cString: keyword), value: String(cString: value)))
      }
      unsafe option += 1
    }
    return options
  }

  /// A message of libpq with everything cut that could be a part of the URL.
  private static func withoutPassword(_ text: String, _ url: String) -> String {
    let quoted = text.split(separator: "\"", omittingEmptySubsequences: false)
    guard quoted.count > 1 else { return text.contains("@") ? "it cannot be read" : text }
    return quoted.enumerated().map { index, part in
      // Option names are worth showing; anything that stands in the user's part of the URL is not.
      index % 2 == 0 || !(part.contains("@") || part.contains(":") || part.contains("/")) ? String(part) : "…"
    }.joined(separator: "\"")
  }
}
