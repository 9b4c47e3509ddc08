/// Reads and writes the units of the configuration: durations, byte counts, whole numbers.
enum Quantities {
  /// Largest first, in milliseconds.
  private static let durationUnits: [(name: String, milliseconds: Int)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]

  private static let byteUnits: [String: Int] = [
    "b": 1, "kb": 1000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
    "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
  ]

  /// A whole number; underscores may stand between digits.
  static func whole(_ text: String) -> Int? {
    var digits = Substring(text)
    let negative = digits.hasPrefix("-")
    if negative { digits = digits.dropFirst() }
    let bytes = Array(digits.utf8)
    guard bytes.first.map(isDigit) == true, bytes.last.map(isDigit) == true,
      bytes.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") })
    else { return nil }
    return Int((negative ? "-" : "") + digits.filter { $0 != "_" })
  }

  /// A number with a unit, such as `250ms`, `30s`, `10m`, `1h` or `31d`; also a bare `0`.
  static func duration(_ text: String) -> Duration? {
    if text == "0" { return .zero }
    let (number, unit) = split(text)
    guard let count = whole(number), count >= 0,
      let scale = durationUnits.first(where: { $0.name == unit })?.milliseconds
    else { return nil }
    let (milliseconds, overflow) = count.multipliedReportingOverflow(by: scale)
    return overflow ? nil : .milliseconds(milliseconds)
  }

  /// A number of bytes, bare or with a unit, such as `1048576`, `16MiB` or `180MB`.
  static func bytes(_ text: String) -> Int? {
    let (number, unit) = split(text)
    guard let count = whole(number) else { return nil }
    guard let scale = unit.isEmpty ? 1 : byteUnits[unit.lowercased()] else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: scale)
    return overflow ? nil : bytes
  }

  /// The shortest text that `duration` reads back.
  static func text(_ duration: Duration) -> String {
    let milliseconds = milliseconds(duration)
    if milliseconds == 0 { return "0s" }
    for unit in durationUnits where milliseconds.isMultiple(of: unit.milliseconds) {
      return "\(milliseconds / unit.milliseconds)\(unit.name)"
    }
    return "\(milliseconds)ms"
  }

  /// Whole milliseconds of a duration that came from here and so fits.
  static func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }

  private static func split(_ text: String) -> (number: String, unit: String) {
    let end = text.utf8.firstIndex { !isDigit($0) && $0 != UInt8(ascii: "_") } ?? text.endIndex
    return (String(text[..<end]), String(text[end...].drop { $0 == " " }))
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
