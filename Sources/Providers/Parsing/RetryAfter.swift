import BatchCore

/// How long a provider asks to wait: `retry-after-ms`, else `retry-after`, else the rate limit's reset.
enum RetryAfter {
  /// Beyond any pause that makes sense; keeps arithmetic within bounds.
  private static let longest = 30.0 * 86_400_000

  /// Nil where nothing is said; `unreadableRetryAfter` where something is said that nobody can read.
  static func parse(_ response: HTTPExchange.Response, now: Timestamp) -> Duration? {
    let (milliseconds, value) = (response.header("retry-after-ms"), response.header("retry-after"))
    if let pause = milliseconds.flatMap({ Double(trimmed($0)) }).flatMap(duration) { return pause }
    if let value {
      if let pause = Double(trimmed(value)).flatMap({ duration($0 * 1000) }) { return pause }
      if let date = ProviderTime.httpDate(trimmed(value)) {
        // By the provider's own clock, if it says what that is. It has whole seconds, and so lies a little in the past.
        let start = response.header("date").flatMap { ProviderTime.httpDate(trimmed($0)) } ?? now
        return duration(Double(max(0, (date - start).wholeMilliseconds)))
      }
    }
    return milliseconds == nil && value == nil ? reset(response) : .unreadableRetryAfter
  }

  static func shouldRetry(_ response: HTTPExchange.Response) -> Bool? {
    switch response.header("x-should-retry").map({ trimmed($0).lowercased() }) {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// The reset of the limit that is used up; if none shows to be, the sooner one, since a reset says when the limit will
  /// be whole again, and room comes back before that.
  private static func reset(_ response: HTTPExchange.Response) -> Duration? {
    var usedUp: Double?
    var sooner: Double?
    for kind in ["requests", "tokens", "project-tokens"] {
      guard let value = response.header("x-ratelimit-reset-" + kind), let milliseconds = goDuration(trimmed(value))
      else {
        continue
      }
      if response.header("x-ratelimit-remaining-" + kind).map(trimmed) == "0" {
        usedUp = max(usedUp ?? 0, milliseconds)
      }
      if milliseconds > 0 { sooner = min(sooner ?? milliseconds, milliseconds) }
    }
    return (usedUp ?? sooner).flatMap(duration)
  }

  /// Milliseconds of a duration as Go prints it: `6m0s`, `1m3.2s`, `20ms`; a bare number counts as seconds.
  static func goDuration(_ text: String) -> Double? {
    if let seconds = Double(text) { return seconds * 1000 }
    var rest = Substring(text)
    var sum = 0.0
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
      guard let value = Double(number) else { return nil }
      rest = rest.dropFirst(number.count)
      guard let (unit, factor) = units.first(where: { rest.hasPrefix($0.name) }) else { return nil }
      rest = rest.dropFirst(unit.count)
      sum += value * factor
    }
    return sum
  }

  /// `ms` before `m`.
  private static let units: [(name: String, milliseconds: Double)] = [
    ("ms", 1), ("µs", 0.001), ("us", 0.001), ("ns", 0.000_001), ("h", 3_600_000), ("m", 60_000), ("s", 1000),
  ]

  private static func duration(_ milliseconds: Double) -> Duration? {
    guard milliseconds.isFinite, milliseconds >= 0 else { return nil }
    return .milliseconds(Int64(min(milliseconds, longest).rounded(.up)))
  }

  private static func trimmed(_ text: String) -> String {
    var text = Substring(text)
    while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return String(text)
  }
}
