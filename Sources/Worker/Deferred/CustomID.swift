import Ledger

/// The name of an attempt in a batch's files: `<label>_<request>_<attempt>`, and for a line that several requests share
/// `<label>_<first request>_<attempt>_<requests>`. It is generated here and never taken from a publisher, so that a result
/// always finds its request.
struct CustomID {
  var request: RequestID
  var attempt: Int
  /// How many requests share the line.
  var members = 1

  static func make(label: String, request: RequestID, attempt: Int, members: Int = 1) -> String {
    "\(label)_\(request.rawValue)_\(attempt)" + (members > 1 ? "_\(members)" : "")
  }

  /// Reads what `make` wrote; nil for anything else, and for another batch's ids.
  static func parse(_ text: String, label: String) -> CustomID? {
    guard text.utf8.starts(with: label.utf8) else { return nil }
    let parts = text.utf8.dropFirst(label.utf8.count).split(
      separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    guard parts.count == 3 || parts.count == 4, parts[0].isEmpty, let request = Int64(Substring(parts[1])),
      let attempt = Int(Substring(parts[2])), let members = parts.count == 3 ? 1 : Int(Substring(parts[3])),
      make(label: label, request: RequestID(request), attempt: attempt, members: members) == text
    else { return nil }
    return CustomID(request: RequestID(request), attempt: attempt, members: members)
  }
}
