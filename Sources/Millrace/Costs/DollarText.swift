/// Sums of pico-USD as exact decimal numbers of dollars.
enum DollarText {
  /// `12.0000024`, without zeros at the end.
  static func exact(_ pico: Int128) -> String {
    let digits = String(pico.magnitude)
    let padded = String(repeating: "0", count: max(0, 13 - digits.utf8.count)) + digits
    let point = padded.index(padded.endIndex, offsetBy: -12)
    var fraction = padded[point...]
    while fraction.last == "0" { fraction.removeLast() }
    return (pico < 0 ? "-" : "") + padded[..<point] + (fraction.isEmpty ? "" : "." + fraction)
  }

  /// For people: rounded to the millionth.
  static func rounded(_ pico: Int128) -> String {
    let half: Int128 = pico < 0 ? -500_000 : 500_000
    let millionths = (pico + half) / 1_000_000
    let digits = String(millionths.magnitude)
    let padded = String(repeating: "0", count: max(0, 7 - digits.utf8.count)) + digits
    let point = padded.index(padded.endIndex, offsetBy: -6)
    return (millionths < 0 ? "-" : "") + padded[..<point] + "." + padded[point...]
  }
}

extension DollarText {
  /// Reads what `exact` gives.
  static func pico(_ text: String) -> Int128? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = Int128(parts[0]) else { return nil }
    let digits = parts.count == 2 ? parts[1] : ""
    guard digits.utf8.count <= 12,
      let fraction = Int128(digits + String(repeating: "0", count: 12 - digits.utf8.count)),
      fraction >= 0, whole.magnitude < 1 << 80
    else { return nil }
    return whole * 1_000_000_000_000 + (text.hasPrefix("-") ? -fraction : fraction)
  }
}
