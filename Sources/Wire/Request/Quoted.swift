/// A publisher's value in an error text: short, on one line, quoted.
func quoted(_ value: some StringProtocol) -> String {
  let limit = 80
  let cut = UTF8Sequence.prefix(Array(value.utf8), limit)
  var text = "'"
  for scalar in String(decoding: value.utf8.prefix(cut), as: UTF8.self).unicodeScalars {
    switch scalar.value {
    case 0..<0x20, 0x7F...0x9F, 0x2028...0x2029: text += "\u{FFFD}"
    default: text.unicodeScalars.append(scalar)
    }
  }
  return text + (cut < value.utf8.count ? "…'" : "'")
}
