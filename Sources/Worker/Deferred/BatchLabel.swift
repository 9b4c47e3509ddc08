/// The label that a batch is searched by at its provider: `mr-` and 16 hexadecimal digits.
enum BatchLabel {
  static func make(_ random: UInt64) -> String {
    let digits = String(random, radix: 16)
    return "mr-" + String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
