import BatchCore
import HTTPTypes
import Wire

/// Tells what is left of the limits in a provider's words.
struct LimitHeaders {
  let style: HeaderStyle
  /// Milliseconds since 1970.
  let now: Int

  func add(_ levels: RateLimiter.Levels, to headers: inout HTTPFields) {
    guard style != .none else { return }
    add(levels.requests, .requests, to: &headers)
    add(levels.tokens, .tokens, to: &headers)
    add(levels.inputTokens, .inputTokens, to: &headers)
    add(levels.outputTokens, .outputTokens, to: &headers)
  }

  private func add(_ level: RateLimiter.Level?, _ names: Names, to headers: inout HTTPFields) {
    guard let level else { return }
    if style == .mistral {
      headers[names.mistral.limit] = String(level.limit)
      headers[names.mistral.remaining] = String(level.remaining)
      return
    }
    let name = style == .anthropic ? names.anthropic : names.openai
    headers[name.limit] = String(level.limit)
    headers[name.remaining] = String(remaining(level, isRounded: names.isTokens))
    headers[name.reset] = reset(level.resetMilliseconds)
  }

  /// Anthropic rounds what is left of tokens to thousands.
  private func remaining(_ level: RateLimiter.Level, isRounded: Bool) -> Int {
    style == .anthropic && isRounded ? (level.remaining + 500) / 1000 * 1000 : level.remaining
  }

  private func reset(_ milliseconds: Int) -> String {
    switch style {
    case .openai, .mistral, .none: GoDuration.text(milliseconds: milliseconds)
    case .seconds: Self.seconds(milliseconds)
    case .anthropic:
      // To whole seconds, as it writes them, and not before the moment.
      RFC3339.format(Timestamp(milliseconds: Int64((now + milliseconds + 999) / 1000 * 1000))).prefix(19) + "Z"
    }
  }

  /// `7.66`, with no more digits than are needed.
  static func seconds(_ milliseconds: Int) -> String {
    let (whole, fraction) = (milliseconds / 1000, milliseconds % 1000)
    if fraction == 0 { return String(whole) }
    var digits = String(fraction + 1000).dropFirst()
    while digits.last == "0" { digits.removeLast() }
    return "\(whole).\(digits)"
  }
}

extension LimitHeaders {
  fileprivate struct Names: Sendable {
    struct Trio: Sendable {
      var limit: HTTPField.Name
      var remaining: HTTPField.Name
      var reset: HTTPField.Name
    }

    let openai: Trio
    let anthropic: Trio
    let mistral: (limit: HTTPField.Name, remaining: HTTPField.Name)
    let isTokens: Bool

    init(_ unit: String) {
      // Fixed names: the initialiser refuses only characters that these do not have.
      openai = Trio(
        limit: .init("x-ratelimit-limit-\(unit)")!, remaining: .init("x-ratelimit-remaining-\(unit)")!,
        reset: .init("x-ratelimit-reset-\(unit)")!)
      anthropic = Trio(
        limit: .init("anthropic-ratelimit-\(unit)-limit")!, remaining: .init("anthropic-ratelimit-\(unit)-remaining")!,
        reset: .init("anthropic-ratelimit-\(unit)-reset")!)
      let short = unit == "requests" ? "req" : unit
      mistral = (.init("x-ratelimit-limit-\(short)-minute")!, .init("x-ratelimit-remaining-\(short)-minute")!)
      isTokens = unit != "requests"
    }

    static let requests = Names("requests")
    static let tokens = Names("tokens")
    static let inputTokens = Names("input-tokens")
    static let outputTokens = Names("output-tokens")
  }
}
