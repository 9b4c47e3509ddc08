/// The text that answers a prompt: a pure function of the prompt, so that a test can tell right from wrong answers.
///
/// The rule: `echo H T`, where H is the first 16 hexadecimal digits of the SHA-256 of the last user text (UTF-8) and T
/// its longest prefix of at most 40 bytes that cuts no character, control characters replaced by spaces. Choice i > 0
/// of several ends in ` #i`. With `[[sim:tokens=N]]` the text is filled up with ` tok` to N tokens. Beyond the request's
/// maximum, at 4 bytes a token, the text is cut, however tokens are counted: so a test can tell it. No more than the
/// maximum is billed.
struct Completion: Sendable {
  var text: [UInt8]
  var tokens: Int
  var isTruncated = false

  private static let filling = Array(" tok".utf8)

  init(for request: ModelRequest, choice: Int = 0) {
    text = Array("echo ".utf8)
    text += Bytes.hex(Bytes.sha256(request.lastUserText).prefix(8))
    text.append(UInt8(ascii: " "))
    text += Bytes.prefix(request.lastUserText, maximum: 40).map { $0 < 0x20 ? 0x20 : $0 }
    if choice > 0 { text += Array(" #\(choice)".utf8) }
    tokens = request.meter.answer(text)
    if let wanted = request.directives.outputTokens, wanted > tokens {
      text.reserveCapacity(text.count + (wanted - tokens) * Self.filling.count)
      for _ in tokens..<wanted { text += Self.filling }
      tokens = wanted
    }
    guard let maximum = request.maximumOutputTokens else { return }
    if (text.count + 3) / 4 > maximum {
      text = Bytes.prefix(text, maximum: maximum * 4)
      tokens = request.meter.answer(text)
      isTruncated = true
    }
    tokens = min(tokens, maximum)
  }
}
