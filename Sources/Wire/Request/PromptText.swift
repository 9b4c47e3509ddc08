public import BatchCore

/// The text of a request that its tokens are counted from: strings at any depth under `messages`, `input` and
/// `instructions`. Embedded files (`data:` URLs) are no text.
public enum PromptText {
  /// The texts one after the other, unescaped, each ended by a line feed.
  public static func bytes(of body: RequestBody) -> [UInt8] {
    guard let document = try? JSONSlice.parse(body.bytes, maximumDepth: .max) else { return [] }
    var output: [UInt8] = []
    for member in document.members where isText(member) {
      forEachString(in: member.value) { string in
        if JSONEscape.firstBackslash(string, from: 0) < string.count {
          output.append(contentsOf: JSONEscape.unescape(string))
        } else {
          output.append(contentsOf: string)
        }
        output.append(UInt8(ascii: "\n"))
      }
    }
    return output
  }

  private static func isText(_ member: JSONMember) -> Bool {
    switch member.key {
    case "messages", "input", "instructions": true
    default: false
    }
  }

  /// Bytes of text as they are spelled. Numbers are tokens already and count as the text of an average one.
  static func size(_ value: JSONSlice) -> Int {
    var size = 0
    forEachString(in: value, number: { size += 4 }, string: { size += $0.count })
    return size
  }

  /// Keys are left out: they are the same few words in every message.
  private static func forEachString(
    in value: JSONSlice, number: () -> Void = {}, string: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    value.document.withUnsafeBufferPointer { bytes in
      var index = value.range.lowerBound
      while index < value.range.upperBound {
        switch bytes[index] {
        case UInt8(ascii: "\""):
          let end = JSONScanner.skipString(bytes, index)
          let text = UnsafeBufferPointer(rebasing: bytes[index + 1..<end - 1])
          index = JSONScanner.skipWhitespace(bytes, end)
          if index < value.range.upperBound, bytes[index] == UInt8(ascii: ":") { continue }
          if !isEmbeddedFile(text) { string(text) }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
          index = JSONScanner.skipValue(bytes, index)
          number()
        default:
          index += 1
        }
      }
    }
  }

  private static func isEmbeddedFile(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard text.count > 5, text[0] == UInt8(ascii: "d"), text.starts(with: "data:".utf8) else { return false }
    let head = text.prefix(256)
    guard let comma = head.firstIndex(of: UInt8(ascii: ",")) else { return false }
    return head[..<comma].suffix(7).elementsEqual(";base64".utf8)
  }
}
