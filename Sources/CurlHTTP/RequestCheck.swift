/// What can be refused before a request is handed to libcurl.
enum RequestCheck {
  /// The server of a request that can be sent, as `scheme://host:port`.
  static func server(of request: HTTPRequest) throws(HTTPError) -> String {
    let server = try server(ofURL: request.url)
    guard !request.method.isEmpty, request.method.utf8.allSatisfy(isTokenByte) else {
      throw refusal(
        .badRequest, "the method of a request to \(server) is not a word of HTTP; use GET or POST for example")
    }
    for (name, value) in request.headers {
      guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
        throw refusal(.badRequest, "a header name of a request to \(server) has a character that HTTP does not allow")
      }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
        throw refusal(.badRequest, "the value of header \(name) to \(server) has a line break or control character")
      }
      guard !ownHeaders.contains(name.lowercased()) else {
        throw refusal(.badRequest, "header \(name) is set by the HTTP client; take it out of the request to \(server)")
      }
    }
    if case .stream(let length, _) = request.body, length < 0 {
      throw refusal(.badRequest, "the body of a request to \(server) has the negative length \(length)")
    }
    return server
  }

  private static let ownHeaders: Set<String> = ["content-length", "transfer-encoding", "expect"]

  private static func server(ofURL url: String) throws(HTTPError) -> String {
    guard url.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
      throw refusal(.badURL, "a URL has a space, line break or control character; percent-encode it")
    }
    let lower = url.prefix(8).lowercased()
    let scheme = lower.hasPrefix("https://") ? "https" : lower.hasPrefix("http://") ? "http" : nil
    guard let scheme else { throw refusal(.badURL, "a URL does not start with http:// or https://") }
    let rest = url.utf8.dropFirst(scheme.utf8.count + 3)
    let authority = rest.prefix { !"/?#".utf8.contains($0) }
    // Credentials before the last @ stay out of every message.
    let host = authority.lastIndex(of: UInt8(ascii: "@")).map { authority[authority.index(after: $0)...] } ?? authority
    guard isHostAndPort(host) else {
      throw refusal(.badURL, "a URL names no valid host and port after \(scheme)://")
    }
    return "\(scheme)://\(Substring(host))"
  }

  /// Strict, so that nothing but a host can get into a message: a password with a slash in it looks like a port.
  private static func isHostAndPort(_ text: Substring.UTF8View) -> Bool {
    var host = text
    let afterBracket = text.lastIndex(of: UInt8(ascii: "]")) ?? text.startIndex
    if let colon = text[afterBracket...].lastIndex(of: UInt8(ascii: ":")) {
      host = text[..<colon]
      let port = text[text.index(after: colon)...]
      guard port.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return false }
      guard let number = Int(Substring(port)), number > 0, number <= 65_535 else { return false }
    }
    let isAddress = host.first == UInt8(ascii: "[")
    return !host.isEmpty
      && host.allSatisfy { $0 >= 0x80 || isTokenByte($0) || isAddress && "[]:".utf8.contains($0) }
  }

  private static func refusal(_ kind: HTTPError.Kind, _ message: String) -> HTTPError {
    HTTPError(kind: kind, requestMayHaveBeenSent: false, message: message)
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
