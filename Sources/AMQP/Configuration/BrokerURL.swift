/// One `amqp://` or `amqps://` URL, taken apart.
///
/// The parser is our own: the library's decodes only ASCII escapes and takes a bare trailing slash for an unnamed
/// virtual host without a word. Errors quote a part only where no password can hide in it.
struct BrokerURL: Hashable, Sendable {
  var secure: Bool
  var endpoint: ConnectionConfiguration.Endpoint
  var virtualHost: String
  var user: String
  var password: Password

  /// - Parameter label: What errors call the URL, since the URL itself may hold a password.
  init(_ text: String, label: String = "the broker URL") throws(AMQPError) {
    func fail(_ reason: String) -> AMQPError { AMQPError(.configuration, "\(label) \(reason)") }

    let rest: Substring.UTF8View
    if let tail = Self.suffix(of: text, after: "amqps://") {
      (secure, rest) = (true, tail)
    } else if let tail = Self.suffix(of: text, after: "amqp://") {
      (secure, rest) = (false, tail)
    } else {
      throw fail("must start with amqp:// or amqps://")
    }
    if text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) {
      throw fail("holds a space or a control character; write it as %20 and so on")
    }

    let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
    let authority = rest[..<(end ?? rest.endIndex)]
    let tail = end.map { rest[$0...] } ?? rest[rest.endIndex...]
    if tail.contains(UInt8(ascii: "@")) {
      throw fail("has a '/', '?' or '#' before an '@': in a user name or password write them as %2F, %3F and %23")
    }

    var host = authority
    (user, password) = ("guest", Password("guest"))
    if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
      let login = authority[..<at]
      host = authority[authority.index(after: at)...]
      if login.contains(UInt8(ascii: "@")) {
        throw fail("has two '@': in a user name or password write it as %40")
      }
      let colon = login.firstIndex(of: UInt8(ascii: ":"))
      user = try Self.decodedText(login[..<(colon ?? login.endIndex)], name: "user name", fail: fail)
      guard !user.isEmpty else { throw fail("has an empty user name before '@'") }
      let secret = colon.map { login[login.index(after: $0)...] } ?? login[login.endIndex...]
      if secret.contains(UInt8(ascii: ":")) { throw fail("has two ':' before '@': in a password write it as %3A") }
      password = Password(bytes: try Self.decoded(secret, name: "password", fail: fail))
    }
    endpoint = try Self.endpoint(host, defaultPort: secure ? 5671 : 5672, fail: fail)
    virtualHost = try Self.virtualHost(tail, fail: fail)
  }

  private static func suffix(of text: String, after scheme: String) -> Substring.UTF8View? {
    let prefix = text.utf8.prefix(scheme.utf8.count)
    // Schemes are case-insensitive; setting bit 5 lowers ASCII letters and leaves ':' and '/' as they are.
    guard prefix.lazy.map({ $0 | 0x20 }).elementsEqual(scheme.utf8.lazy.map { $0 | 0x20 }) else { return nil }
    return text[prefix.endIndex...].utf8
  }

  private static func endpoint(
    _ text: Substring.UTF8View, defaultPort: UInt16, fail: (String) -> AMQPError
  ) throws(AMQPError) -> ConnectionConfiguration.Endpoint {
    var host = text
    var port = text[text.endIndex...]
    var hasPort = false
    if text.first == UInt8(ascii: "[") {
      guard let close = text.firstIndex(of: UInt8(ascii: "]")) else { throw fail("has '[' without ']' in its host") }
      host = text[text.index(after: text.startIndex)..<close]
      let after = text[text.index(after: close)...]
      guard after.isEmpty || after.first == UInt8(ascii: ":") else {
        throw fail("has something other than ':port' after ']'")
      }
      hasPort = !after.isEmpty
      port = after.dropFirst()
      guard host.contains(UInt8(ascii: ":")) else { throw fail("has something other than an IPv6 address in '[ ]'") }
    } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
      host = text[..<colon]
      port = text[text.index(after: colon)...]
      hasPort = true
      if port.contains(UInt8(ascii: ":")) {
        throw fail("has two ':' in its host; an IPv6 address is written in brackets, as in amqp://[::1]:5672")
      }
    }
    let name = try decodedText(host, name: "host", fail: fail)
    guard !name.isEmpty else { throw fail("has no host; write amqp://user:password@host:5672/vhost") }
    guard hasPort else { return .init(host: name, port: defaultPort) }
    guard port.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
      let number = UInt16(String(Substring(port))), number > 0
    else { throw fail("has a port that is no number from 1 to 65535") }
    return .init(host: name, port: number)
  }

  /// No path and `/%2f` name the virtual host "/"; a bare trailing slash names the one whose name is empty.
  private static func virtualHost(
    _ tail: Substring.UTF8View, fail: (String) -> AMQPError
  ) throws(AMQPError) -> String {
    guard let first = tail.first else { return "/" }
    if tail.contains(UInt8(ascii: "?")) { throw fail("has a query ('?…'); settings go into the configuration instead") }
    if tail.contains(UInt8(ascii: "#")) { throw fail("has a fragment ('#…'), which means nothing to a broker") }
    let path = tail.dropFirst()
    if first != UInt8(ascii: "/") || path.contains(UInt8(ascii: "/")) {
      throw fail("has more than one '/' in its virtual host; write one that belongs to the name as %2F")
    }
    let name = try decodedText(path, name: "virtual host", fail: fail)
    guard name.utf8.count <= 255 else { throw fail("has a virtual host of more than 255 bytes") }
    return name
  }

  private static func decodedText(
    _ text: Substring.UTF8View, name: String, fail: (String) -> AMQPError
  ) throws(AMQPError) -> String {
    guard let string = String(validating: try decoded(text, name: name, fail: fail), as: UTF8.self) else {
      throw fail("has a \(name) that is not UTF-8")
    }
    return string
  }

  private static func decoded(
    _ text: Substring.UTF8View, name: String, fail: (String) -> AMQPError
  ) throws(AMQPError) -> [UInt8] {
    var bytes: [UInt8] = []
    var index = text.startIndex
    while index < text.endIndex {
      var byte = text[index]
      index = text.index(after: index)
      if byte == UInt8(ascii: "%") {
        var value: UInt8 = 0
        for _ in 0..<2 {
          guard index < text.endIndex, let digit = Character(Unicode.Scalar(text[index])).hexDigitValue else {
            throw fail("has a '%' in its \(name) that two hexadecimal digits do not follow; write '%' itself as %25")
          }
          value = value << 4 | UInt8(digit)
          index = text.index(after: index)
        }
        byte = value
      }
      // The library takes these as C strings.
      if byte == 0 { throw fail("has a zero byte (%00) in its \(name)") }
      bytes.append(byte)
    }
    return bytes
  }
}

extension ConnectionConfiguration {
  /// Reads one URL a node: `amqp[s]://user:password@host:port/vhost`, where all but the node must agree.
  ///
  /// Defaults: guest/guest, port 5672 or 5671, virtual host "/". `amqps` verifies against the system's authorities until
  /// `tls` says otherwise. Throws an error that names the URL by its position and never shows the password.
  public init(urls: [String]) throws(AMQPError) {
    var parsed: [BrokerURL] = []
    for (index, text) in urls.enumerated() {
      parsed.append(
        try BrokerURL(text, label: urls.count == 1 ? "the broker URL" : "broker URL \(index + 1) of \(urls.count)"))
    }
    guard let first = parsed.first else { throw AMQPError(.configuration, "no broker URL is given") }
    for (index, other) in parsed.enumerated().dropFirst() {
      let difference: String? =
        if other.secure != first.secure { "scheme" } else if other.virtualHost != first.virtualHost {
          "virtual host"
        } else if other.user != first.user { "user name" } else if other.password != first.password {
          "password"
        } else { nil }
      if let difference {
        throw AMQPError(
          .configuration,
          "broker URL \(index + 1) has another \(difference) than the first; all must name nodes of one broker")
      }
    }
    self.init(
      endpoints: parsed.map(\.endpoint), virtualHost: first.virtualHost, user: first.user, password: first.password,
      tls: first.secure ? TLSConfiguration() : nil)
  }
}
