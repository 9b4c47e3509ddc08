/// A text from outside as the server can keep it: it has no U+0000, which the server's texts cannot hold.
struct StoredText: PostgresValue {
  private let text: String

  init(_ text: String) {
    self.text = text.utf8.contains(0) ? String(text.unicodeScalars.filter { $0.value != 0 }) : text
  }

  static var type: PostgresType { .text }

  func appendBinary(to bytes: inout [UInt8]) { text.appendBinary(to: &bytes) }
}
