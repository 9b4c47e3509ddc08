import HTTPTypes
import Hummingbird

/// In whose manner a call is answered; its path tells.
///
/// | base URL | manner |
/// |---|---|
/// | `/v1` | OpenAI, Anthropic or Gemini, as its headers tell |
/// | `/v1beta`, `/upload` | Gemini |
/// | `/openai/v1` | Azure OpenAI |
/// | `/openai` with `api-version` | Azure OpenAI, dated |
/// | `/mistral` | Mistral |
/// | `/together/v1`, `/xai/v1`, `/novita/v1` | servers that speak like OpenAI, and differ |
/// | `/nobatch/v1`, `/nocreate/v1` | one without files and batches (404), one that refuses creates (405) |
enum Dialect: String, CaseIterable, Sendable {
  case openAI = "openai"
  case anthropic
  case gemini
  case azure
  case azureDated = "azure-dated"
  case mistral
  case together, xai, novita
  case noBatch = "nobatch"
  case noCreate = "nocreate"

  var isAzure: Bool { self == .azure || self == .azureDated }

  /// By the path, and by the headers that the libraries of Anthropic and of Google send.
  init(_ request: Request) {
    let path = request.head.path ?? ""
    let isAnthropic = path.hasPrefix("/v1/messages") || request.headers[.anthropicVersion] != nil
    let isGemini =
      path.hasPrefix("/v1beta/") || path.hasPrefix("/upload/")
      || (request.headers[.googleKey] != nil && !path.hasPrefix("/_sim"))
    self = isAnthropic ? .anthropic : isGemini ? .gemini : (try? Address(target: path))?.dialect ?? .openAI
  }
}

extension HTTPField.Name {
  // Fixed names: the initialiser refuses only characters that these do not have.
  static let anthropicVersion = HTTPField.Name("anthropic-version")!
  static let anthropicKey = HTTPField.Name("x-api-key")!
  static let googleKey = HTTPField.Name("x-goog-api-key")!
  static let anthropicRequestID = HTTPField.Name("request-id")!
  static let shouldRetry = HTTPField.Name("x-should-retry")!
}
