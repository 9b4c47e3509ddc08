/// Money in whole pico-dollars (1e-12 USD), so that sums are exact. An attempt fits in 64 bits; sum in `Int128`.
public struct PicoUSD: Hashable, Comparable, Sendable {
  public var value: Int64

  public init(_ value: Int64) {
    self.value = value
  }

  public static func < (left: PicoUSD, right: PicoUSD) -> Bool { left.value < right.value }

  /// Reads what `dollars` writes; nil for anything else, more than twelve decimals included.
  public init?(dollars: String) {
    let parts = dollars.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let whole = Int64(String(Substring(parts[0]))) else { return nil }
    let (scaled, overflow) = whole.multipliedReportingOverflow(by: 1_000_000_000_000)
    if overflow { return nil }
    guard parts.count == 2 else {
      self.init(scaled)
      return
    }
    let digits = String(Substring(parts[1]))
    guard (1...12).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let fraction = Int64(digits + String(repeating: "0", count: 12 - digits.utf8.count))
    else { return nil }
    let isNegative = parts[0].first == UInt8(ascii: "-")
    let (sum, carried) =
      isNegative
      ? scaled.subtractingReportingOverflow(fraction) : scaled.addingReportingOverflow(fraction)
    if carried { return nil }
    self.init(sum)
  }

  /// The exact decimal number of dollars without trailing zeros: `0.0000024`, `12`, `0`.
  public var dollars: String {
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, 13 - digits.utf8.count)) + digits
    let point = padded.index(padded.endIndex, offsetBy: -12)
    var fraction = padded[point...]
    while fraction.last == "0" { fraction.removeLast() }
    return (value < 0 ? "-" : "") + padded[..<point] + (fraction.isEmpty ? "" : "." + fraction)
  }
}
