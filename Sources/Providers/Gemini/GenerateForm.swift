import BatchCore
import Wire

/// How a request's body becomes the one that is sent: its own bytes without the model, which the address names, or the
/// translation of OpenAI's shape.
struct GenerateForm: Sendable {
  let endpoint: Endpoint
  let model: String

  init(model: String, endpoint: Endpoint) {
    self.model = model
    self.endpoint = endpoint
  }

  var isTranslated: Bool { endpoint != .generateContent }

  func append(_ body: RequestBody, to bytes: inout [UInt8]) throws(ChatRefusal) {
    guard !isTranslated else {
      bytes += try GenerateTranslation().body(of: body.bytes, model: model)
      return
    }
    guard let range = Self.member(of: body) else {
      throw ChatRefusal("model", "its place lies outside the request's body")
    }
    bytes += body.bytes[..<range.lowerBound]
    bytes += body.bytes[range.upperBound...]
  }

  /// Where the member `model` stands, with its key and one of the commas beside it.
  private static func member(of body: RequestBody) -> Range<Int>? {
    let (bytes, value) = (body.bytes, body.modelRange)
    guard value.lowerBound > 0, value.upperBound < bytes.count else { return nil }
    func before(_ index: Int) -> Int {
      var index = index - 1
      while index > 0, isSpace(bytes[index]) { index -= 1 }
      return max(0, index)
    }
    let colon = before(value.lowerBound)
    let keyEnd = before(colon)
    guard bytes[colon] == UInt8(ascii: ":"), bytes[keyEnd] == UInt8(ascii: "\""),
      // No key that spells this name has a quote in it.
      let key = bytes[..<keyEnd].lastIndex(of: UInt8(ascii: "\""))
    else { return nil }
    var after = value.upperBound
    while after < bytes.count, isSpace(bytes[after]) { after += 1 }
    if after < bytes.count, bytes[after] == UInt8(ascii: ",") { return key..<after + 1 }
    let comma = before(key)
    return (bytes[comma] == UInt8(ascii: ",") ? comma : key)..<value.upperBound
  }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }
}
