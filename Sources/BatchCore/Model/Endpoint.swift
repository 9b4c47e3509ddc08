/// A provider operation that a request asks for.
public enum Endpoint: UInt8, Hashable, Sendable, CaseIterable {
  case chatCompletions = 0
  case responses = 1
  case embeddings = 2

  /// The path in OpenAI's spelling, as `url` in a batch line and as `x-endpoint` name it.
  public var path: String {
    switch self {
    case .chatCompletions: "/v1/chat/completions"
    case .responses: "/v1/responses"
    case .embeddings: "/v1/embeddings"
    }
  }

  public init?(path: String) {
    guard let match = Endpoint.allCases.first(where: { $0.path == path }) else { return nil }
    self = match
  }
}
