/// Why bytes are not a JSON document, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    case unexpectedByte(UInt8)
    case unexpectedEnd
    case controlCharacter(UInt8)
    case invalidUTF8
    case invalidEscape
    case loneSurrogate
    case invalidNumber
    case tooDeep(limit: Int)
    case trailingBytes
  }

  /// Index of the first byte that is wrong, from 0.
  public var offset: Int
  public var reason: Reason

  public init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  /// One line without any of the document's text but the one byte that is wrong.
  public var description: String {
    let problem =
      switch reason {
      case .unexpectedByte(let byte): "unexpected \(Self.name(of: byte))"
      case .unexpectedEnd: "unexpected end"
      case .controlCharacter(let byte): "\(Self.name(of: byte)) must be escaped inside a string"
      case .invalidUTF8: "invalid UTF-8"
      case .invalidEscape: "invalid escape"
      case .loneSurrogate: "escape of half a surrogate pair"
      case .invalidNumber: "invalid number"
      case .tooDeep(let limit): "nested deeper than \(limit) levels"
      case .trailingBytes: "more bytes after the document"
      }
    return "\(problem) at byte \(offset)"
  }

  private static func name(of byte: UInt8) -> String {
    if byte > 0x20 && byte < 0x7F { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16, uppercase: true)
    return "byte 0x" + (byte < 0x10 ? "0" : "") + digits
  }
}
