/// In whose words the headers tell what is left of the limits.
enum HeaderStyle: String, CaseIterable, Sendable {
  /// `x-ratelimit-…`, with Go durations.
  case openai
  /// `anthropic-ratelimit-…`, with moments.
  case anthropic
  /// `x-ratelimit-…-minute`, without resets.
  case mistral
  /// `x-ratelimit-…`, with plain seconds.
  case seconds
  case none
}
