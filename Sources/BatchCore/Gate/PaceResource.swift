/// What a provider limits by the minute.
public enum PaceResource: Int, CaseIterable, Hashable, Sendable, Codable {
  case requests
  /// Input and output together.
  case tokens
  case inputTokens
  case outputTokens
}
