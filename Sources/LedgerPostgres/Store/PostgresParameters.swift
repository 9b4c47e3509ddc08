import CPostgres

/// How to reach a database: a URL that libpq understands, with what this service needs added.
@safe
struct PostgresParameters: Sendable {
  /// The longest that the server works on one statement, and that it may be silent while something is on its way to it.
  var statementTimeout: Duration
  /// The longest wait for the answer to one statement; the connection is closed after it.
  var answerTimeout: Duration
  var applicationName: String
  private let url: String
  private let password: String?
  private let given: [String: String]

  /// The URL without password and query, for messages.
  let name: String

  /// - Parameter url: `postgres://user:password@host:port/database?sslmode=verify-full&…`; several hosts are parted by
  ///   commas.
  /// - Throws: `configuration` with one line that repeats nothing that may be secret.
  init(
    url: String, statementTimeout: Duration = .seconds(30), applicationName: String = "millrace"
  ) throws(PostgresFailure) {
    self.url = url
    self.statementTimeout = statementTimeout
    answerTimeout = statementTimeout
    self.applicationName = applicationName
    try Self.checkForm(url)
    let given = try Self.parse(url)
    self.given = given
    password = given["password"]
    name = Self.name(given)
  }

  /// Connects in this thread.
  func connect() throws(PostgresFailure) -> PostgresLink {
    let pairs = [("dbname", url)] + overrides
    let handle = unsafe withCStrings(pairs.map(\.0)) { names in
      unsafe withCStrings(pairs.map(\.1)) { values in unsafe PQconnectdbParams(names, values, 1) }
    }
    guard let handle = unsafe handle else { throw PostgresFailure(.outOfResources, "out of memory") }
    guard unsafe PQstatus(handle) == CONNECTION_OK, unsafe PQsetnonblocking(handle, 1) == 0 else {
      let message = unsafe String(cString: PQerrorMessage(handle))
      unsafe PQfinish(handle)
      throw PostgresFailure(connecting: message, hiding: password)
    }
    unsafe millrace_ignore_notices(handle)
    return unsafe PostgresLink(handle, timeout: answerTimeout)
  }

  /// A peer that vanished without a word is noticed while nothing is sent (keepalives) and while something is
  /// (tcp_user_timeout). What the URL says itself is left as it is.
  private var overrides: [(String, String)] {
    let milliseconds = max(1000, statementTimeout.components.seconds * 1000)
    let defaults = [
      ("connect_timeout", "10"), ("keepalives", "1"), ("keepalives_idle", "15"), ("keepalives_interval", "5"),
      ("keepalives_count", "3"), ("tcp_user_timeout", "\(milliseconds)"), ("gssencmode", "disable"),
      ("application_name", applicationName),
    ]
    // A wait for a connection always has an end.
    let endless = given["connect_timeout"].map { (Int($0) ?? 1) <= 0 } ?? false
    return defaults.filter { given[$0.0] == nil || ($0.0 == "connect_timeout" && endless) }
      + [("client_encoding", "UTF8")]
  }

  // MARK: Reading

  /// What libpq would misread: a reserved character in a password moves the rest of it into the host or the query, and
  /// with that into messages.
  private static func checkForm(_ url: String) throws(PostgresFailure) {
    let schemes = ["postgres://", "postgresql://"]
    guard let scheme = schemes.first(where: { url.hasPrefix($0) }) else {
      throw PostgresFailure(.configuration, "the URL does not begin with postgres://")
    }
    if url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
      throw PostgresFailure(.configuration, "the URL holds a space or a control character")
    }
    let rest = url.dropFirst(scheme.count)
    guard let at = rest.lastIndex(of: "@") else { return }
    if rest[..<at].contains(where: { "@/?".contains($0) }) {
      throw PostgresFailure(
        .configuration,
        "the URL has @, / or ? before its last @; write them as %40, %2F and %3F in user, password and query")
    }
  }

  private static func parse(_ url: String) throws(PostgresFailure) -> [String: String] {
    var error: UnsafeMutablePointer<CChar>?
    guard let options = unsafe PQconninfoParse(url, &error) else {
      let text = unsafe error.map { unsafe String(cString: $0) } ?? "out of memory"
      unsafe PQfreemem(error)
      throw PostgresFailure(.configuration, "the URL is refused: \(withoutQuotes(OneLine.of(text)))")
    }
    defer { unsafe PQconninfoFree(options) }
    var given: [String: String] = [:]
    var option = unsafe options
    while let keyword = unsafe option.pointee.keyword {
      if let value = unsafe option.pointee.val {
        unsafe given[String(cString: keyword)] = unsafe String(cString: value)
      }
      unsafe option += 1
    }
    return given
  }

  /// libpq quotes what it does not like, which may be a password. The name of an unknown parameter is no secret.
  private static func withoutQuotes(_ text: String) -> String {
    if text.hasPrefix("invalid URI query parameter: ") { return text }
    return text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .map { $0.offset % 2 == 0 ? String($0.element) : "…" }.joined()
  }

  private static func name(_ given: [String: String]) -> String {
    let hosts = (given["host"] ?? given["hostaddr"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let ports = (given["port"] ?? "").split(separator: ",", omittingEmptySubsequences: false)
    let places = hosts.enumerated().map { index, host in
      let port = ports.count == hosts.count ? ports[index] : ports.first ?? ""
      let place = host.contains(":") ? "[\(host)]" : String(host)
      return port.isEmpty ? place : "\(place):\(port)"
    }
    let user = given["user"].map { $0 + "@" } ?? ""
    let database = given["dbname"].map { "/" + $0 } ?? ""
    return OneLine.of("postgres://\(user)\(places.joined(separator: ","))\(database)")
  }
}

/// Text forms show the redacted name only.
extension PostgresParameters: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  var description: String { name }
  var debugDescription: String { name }
  var customMirror: Mirror { Mirror(self, children: []) }
}

/// Calls the closure with the texts as C strings and a null pointer after them.
private func withCStrings<Value>(
  _ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
  var bytes: [CChar] = []
  var offsets: [Int] = []
  for text in texts {
    offsets.append(bytes.count)
    bytes.append(contentsOf: text.utf8CString)
  }
  return unsafe bytes.withUnsafeBufferPointer { buffer in
    let pointers: [UnsafePointer<CChar>?] = unsafe offsets.map { offset in
      unsafe buffer.baseAddress.map { unsafe $0 + offset }
    }
    return unsafe (pointers + [nil]).withUnsafeBufferPointer { pointers in
      // Never empty: the last is null.
      unsafe body(pointers.baseAddress!)
    }
  }
}
