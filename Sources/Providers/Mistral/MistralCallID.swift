import Wire

/// Ids of tool calls: nine letters and digits, neither more nor less.
enum MistralCallID {
  private static let length = 9
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)

  /// The id itself if it may be one, else one that is made of it and is always the same: a call and what came of it still
  /// belong together, also in the next request of the conversation.
  static func id(for id: String) -> String {
    if id.utf8.count == length, id.utf8.allSatisfy(alphabet.contains) { return id }
    let digits = SHA256Digest.of(Array(id.utf8)).hex.utf8
    var letters: [UInt8] = []
    var rest = digits[...]
    while letters.count < length {
      let word = Int(String(decoding: rest.prefix(4), as: UTF8.self), radix: 16) ?? 0
      rest = rest.dropFirst(4)
      letters.append(alphabet[word % alphabet.count])
    }
    return String(decoding: letters, as: UTF8.self)
  }
}
