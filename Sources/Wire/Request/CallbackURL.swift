/// Which callbacks are taken.
enum CallbackURL {
  static let allowed = "an http or https URL with a host, without user name and password, of at most 2048 bytes"

  /// User names and passwords are refused, since the URL is stored and logged.
  static func isAllowed(_ url: String) -> Bool {
    guard url.utf8.count <= 2048, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }),
      let colon = url.firstIndex(of: ":"), ["http", "https"].contains(url[..<colon].lowercased())
    else { return false }
    let rest = url[url.index(after: colon)...]
    guard rest.hasPrefix("//") else { return false }
    let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    return !authority.isEmpty && !authority.hasPrefix(":") && !authority.contains("@")
  }
}
