/// Amounts of money as they are written: US dollars with up to six decimals, such as `5`, `0.25`.
enum Dollars {
  private static let scale: Int64 = 1_000_000_000_000

  /// In pico-USD; nil for what is no such number, or too large a one.
  static func parse(_ text: String) -> Int64? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = Quantities.whole(String(parts[0])), whole >= 0 else { return nil }
    let (dollars, overflow) = Int64(whole).multipliedReportingOverflow(by: scale)
    guard !overflow else { return nil }
    guard parts.count == 2 else { return dollars }
    let digits = parts[1].utf8
    guard (1...6).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let padded = String(parts[1]) + String(repeating: "0", count: 12 - digits.count)
    let (sum, carried) = dollars.addingReportingOverflow(Int64(padded) ?? 0)
    return carried ? nil : sum
  }

  static func text(_ value: Int64) -> String {
    let fraction = String(value % scale + scale).dropFirst()
    let digits = fraction.reversed().drop { $0 == "0" }.reversed()
    return "\(value / scale)" + (digits.isEmpty ? "" : "." + String(digits))
  }
}
