/// A provider operation that a request asks for. The numbers are kept in ledgers.
public enum Endpoint: UInt8, Hashable, Sendable, CaseIterable {
  case chatCompletions = 0
  case responses = 1
  case embeddings = 2
  /// Anthropic's own.
  case messages = 3
  /// Gemini's own.
  case generateContent = 4
  /// Mistral's own chat.
  case mistralChat = 5

  /// Those of OpenAI's API.
  public static let openAI: Set<Endpoint> = [.chatCompletions, .responses, .embeddings]

  /// The path as the provider's own libraries send it, as `url` in a batch line and as `x-endpoint` name it. That of Gemini
  /// has the model in it, which bodies name here. Where two shapes have one path, the other than OpenAI's has the provider's
  /// name before it.
  public var path: String {
    switch self {
    case .chatCompletions: "/v1/chat/completions"
    case .responses: "/v1/responses"
    case .embeddings: "/v1/embeddings"
    case .messages: "/v1/messages"
    case .generateContent: "/v1/generateContent"
    case .mistralChat: "/mistral/v1/chat/completions"
    }
  }

  /// The path that is sent.
  public var sentPath: String { self == .mistralChat ? Endpoint.chatCompletions.path : path }

  public init?(path: String) {
    guard let match = Endpoint.allCases.first(where: { $0.path == path }) else { return nil }
    self = match
  }
}
