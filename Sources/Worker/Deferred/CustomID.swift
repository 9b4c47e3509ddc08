import Ledger

/// The name of an attempt in a batch's files: `<label>_<request>_<attempt>`. It is generated here and never taken from a
/// publisher, so that a result always finds its request.
struct CustomID {
  static func make(label: String, request: RequestID, attempt: Int) -> String {
    "\(label)_\(request.rawValue)_\(attempt)"
  }

  /// Reads what `make` wrote; nil for anything else, and for another batch's ids.
  static func parse(_ text: String, label: String) -> (request: RequestID, attempt: Int)? {
    guard text.utf8.starts(with: label.utf8) else { return nil }
    let parts = text.utf8.dropFirst(label.utf8.count).split(
      separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0].isEmpty, let request = Int64(Substring(parts[1])),
      let attempt = Int(Substring(parts[2])), make(label: label, request: RequestID(request), attempt: attempt) == text
    else { return nil }
    return (RequestID(request), attempt)
  }
}
