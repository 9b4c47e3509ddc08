import BatchCore

/// What an answer's headers say of the account's limits: `x-ratelimit-*` as OpenAI and many others send them, and
/// `anthropic-ratelimit-*`; Mistral's end in the minute that they are counted by.
enum PaceHeaders {
  static func parse(_ response: HTTPExchange.Response) -> PaceObservation? {
    func level(_ kind: String) -> RateLevel? {
      let limit =
        number(response.header("x-ratelimit-limit-" + kind))
        ?? number(response.header("anthropic-ratelimit-" + kind + "-limit"))
        ?? byMinute[kind].flatMap { number(response.header("x-ratelimit-limit-" + $0)) }
      let remaining =
        number(response.header("x-ratelimit-remaining-" + kind))
        ?? number(response.header("anthropic-ratelimit-" + kind + "-remaining"))
        ?? byMinute[kind].flatMap { number(response.header("x-ratelimit-remaining-" + $0)) }
      guard limit != nil || remaining != nil else { return nil }
      return RateLevel(limit: limit, remaining: remaining)
    }
    // Where input and output are told apart, the sum of both is no limit of its own.
    let (input, output) = (level("input-tokens"), level("output-tokens"))
    let tokens = input == nil && output == nil ? least(level("tokens"), level("project-tokens")) : nil
    let observation = PaceObservation(
      requests: level("requests"), tokens: tokens, inputTokens: input, outputTokens: output)
    return observation.isEmpty ? nil : observation
  }

  private static let byMinute = ["requests": "req-minute", "tokens": "tokens-minute"]

  /// Of two limits on the same thing the one that leaves less.
  private static func least(_ left: RateLevel?, _ right: RateLevel?) -> RateLevel? {
    guard let left, let right else { return left ?? right }
    return (right.remaining ?? .max) < (left.remaining ?? .max) ? right : left
  }

  /// Whole numbers of 0 or more; what is anything else is not believed.
  private static func number(_ text: String?) -> Int64? {
    guard let text, let value = Double(text.filter { $0 != " " && $0 != "," }), value.isFinite, value >= 0 else {
      return nil
    }
    return Int64(min(value, 1e15))
  }
}
