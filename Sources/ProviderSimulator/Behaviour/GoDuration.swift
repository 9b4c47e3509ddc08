/// Durations as the rate-limit headers spell them: `0s`, `20ms`, `1.5s`, `6m0s`, `1h2m3s`.
enum GoDuration {
  static func text(milliseconds: Int) -> String {
    guard milliseconds > 0 else { return "0s" }
    if milliseconds < 1000 { return "\(milliseconds)ms" }
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60)
    let (seconds, fraction) = (milliseconds / 1000 % 60, milliseconds % 1000)
    var text = hours > 0 ? "\(hours)h" : ""
    if hours > 0 || minutes > 0 { text += "\(minutes)m" }
    text += "\(seconds)"
    if fraction > 0 {
      var digits = String(fraction + 1000).dropFirst()
      while digits.last == "0" { digits.removeLast() }
      text += "." + digits
    }
    return text + "s"
  }
}
