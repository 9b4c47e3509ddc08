/// Replaces secrets by `***` in texts that leave the process.
public struct Redactor: Sendable {
  /// Shorter ones are not looked for: they would be found inside innocent words.
  public static let shortestSecret = 4

  /// Longest first, so that a secret that begins with another one is replaced whole.
  private let secrets: [[UInt8]]
  private let firstBytes: [Bool]

  /// Looks for the secrets as they are, and as they read where `%XX` stands for a byte.
  public init(secrets: [String]) {
    let forms = Set(secrets.flatMap { [Array($0.utf8), Self.percentDecoded($0)] })
    self.secrets = forms.filter { $0.count >= Self.shortestSecret }.sorted { $0.count > $1.count }
    var firstBytes = [Bool](repeating: false, count: 256)
    for secret in self.secrets { firstBytes[Int(secret[0])] = true }
    self.firstBytes = firstBytes
  }

  /// A redactor that knows no secret.
  public static let none = Redactor(secrets: [])

  public func redact(_ text: String) -> String {
    if secrets.isEmpty { return text }
    var text = text
    let redacted = text.withUTF8 { bytes -> [UInt8]? in redact(bytes) }
    return redacted.map { String(decoding: $0, as: UTF8.self) } ?? text
  }

  /// Nothing where no secret was found.
  private func redact(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
    var out: [UInt8]?
    var copied = 0
    var position = 0
    while position < bytes.count {
      if firstBytes[Int(bytes[position])],
        let secret = secrets.first(where: { bytes[position...].starts(with: $0) })
      {
        var sofar = out ?? []
        sofar += bytes[copied..<position]
        sofar += "***".utf8
        out = sofar
        position += secret.count
        copied = position
      } else {
        position += 1
      }
    }
    guard var out else { return nil }
    out += bytes[copied...]
    return out
  }

  private static func percentDecoded(_ text: String) -> [UInt8] {
    let bytes = Array(text.utf8)
    var out: [UInt8] = []
    var position = 0
    while position < bytes.count {
      if bytes[position] == UInt8(ascii: "%"), position + 2 < bytes.count,
        let high = digit(bytes[position + 1]), let low = digit(bytes[position + 2])
      {
        out.append(high << 4 | low)
        position += 3
      } else {
        out.append(bytes[position])
        position += 1
      }
    }
    return out
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
  }
}
