/// Writes metrics in Prometheus' text format, version 0.0.4.
struct PrometheusText {
  private(set) var bytes: [UInt8] = []

  mutating func header(name: String, kind: String, help: String) {
    bytes += "# HELP \(name) ".utf8
    escape(help, quotes: false)
    bytes += "\n# TYPE \(name) \(kind)\n".utf8
  }

  /// - Parameter labels: As `labels(_:)` makes them.
  mutating func sample(name: String, labels: [UInt8], extra: (String, String)? = nil, value: Double) {
    bytes += name.utf8
    if extra != nil || !labels.isEmpty {
      bytes.append(UInt8(ascii: "{"))
      bytes += labels
      if let (name, value) = extra {
        if !labels.isEmpty { bytes.append(UInt8(ascii: ",")) }
        bytes += "\(name)=\"\(value)\"".utf8
      }
      bytes.append(UInt8(ascii: "}"))
    }
    bytes.append(UInt8(ascii: " "))
    bytes += Self.number(value).utf8
    bytes.append(UInt8(ascii: "\n"))
  }

  /// `name="value"` for each pair, with commas between them.
  static func labels(_ pairs: [(String, String)]) -> [UInt8] {
    var text = PrometheusText()
    for (index, (name, value)) in pairs.enumerated() {
      if index > 0 { text.bytes.append(UInt8(ascii: ",")) }
      text.bytes += "\(name)=\"".utf8
      text.escape(value, quotes: true)
      text.bytes.append(UInt8(ascii: "\""))
    }
    return text.bytes
  }

  private mutating func escape(_ text: String, quotes: Bool) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\\"): bytes += "\\\\".utf8
      case UInt8(ascii: "\n"): bytes += "\\n".utf8
      case UInt8(ascii: "\"") where quotes: bytes += "\\\"".utf8
      default: bytes.append(byte)
      }
    }
  }

  /// A whole number without a point where it is one, so that counts look like counts.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    if value.rounded() == value, value.magnitude < 1e15 { return String(Int64(value)) }
    return String(value)
  }

  /// A text as part of a metric's or a label's name: letters, digits and `_`, no digit first.
  static func name(_ text: String) -> String {
    var out = String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar {
          case "a"..."z", "A"..."Z", "0"..."9", "_": scalar
          default: "_"
          }
        }))
    if out.isEmpty || ("0"..."9").contains(out.unicodeScalars[out.startIndex]) { out = "_" + out }
    return out
  }
}
