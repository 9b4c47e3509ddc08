/// A URL that may carry a password, as the user wrote it.
///
/// Its text forms hide the password and the query; `reveal()` gives the whole text to whoever opens the connection.
public struct ConnectionURL: Sendable, Hashable {
  private let text: String

  public init(_ text: String) {
    self.text = text
  }

  /// The whole URL, password included.
  public func reveal() -> String { text }

  /// The part before the first `:`, in lower case, empty where there is none.
  public var scheme: String {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return "" }
    return text[..<colon].lowercased()
  }

  /// Whether a host name or a path follows the scheme.
  public var hasLocation: Bool {
    guard let start = afterScheme else { return false }
    let rest = text[start...]
    let end = rest.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? rest.endIndex
    let location = rest[..<end]
    let host = location.utf8.lastIndex(of: UInt8(ascii: "@")).map { location[location.index(after: $0)...] }
    return !(host ?? location).isEmpty
  }

  /// The text between `://` and the last `@` of the authority, where there is one.
  var userInformation: Substring? {
    guard let start = afterScheme, let at = lastAt(from: start) else { return nil }
    return text[start..<at]
  }

  /// The password as it stands in the URL, where there is one.
  var password: String? {
    guard let user = userInformation, let colon = user.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let password = user[user.index(after: colon)...]
    return password.isEmpty ? nil : String(password)
  }

  private var afterScheme: String.Index? {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
    let rest = text[text.index(after: colon)...]
    return rest.hasPrefix("//") ? rest.index(rest.startIndex, offsetBy: 2) : nil
  }

  private func lastAt(from start: String.Index) -> String.Index? {
    // A password may hold a bare "/" or "@" by mistake, so everything up to the last "@" counts as hidden.
    text[start...].utf8.lastIndex(of: UInt8(ascii: "@"))
  }

  /// The URL without what must not be shown: `amqp://user:***@host/%2f`, and `?***` for a query.
  public var redacted: String {
    var shown = text
    if let question = shown.utf8.lastIndex(of: UInt8(ascii: "?")), !shown[question...].utf8.contains(UInt8(ascii: "@"))
    {
      shown = shown[...question] + "***"
    }
    let start = afterScheme ?? text.startIndex
    guard let at = lastAt(from: start) else { return shown }
    let user = text[start..<at]
    let name = user.utf8.firstIndex(of: UInt8(ascii: ":")).map { user[..<$0] + ":***" } ?? "***"
    return text[..<start] + name + shown[at...]
  }
}

extension ConnectionURL: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { redacted }
  public var debugDescription: String { redacted }
  public var customMirror: Mirror { Mirror(self, children: []) }
}
