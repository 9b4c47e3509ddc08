public import Wire

/// Counts the input tokens of a request before it is sent: for windows, pace, budgets and the context. Bills follow the
/// provider's own count.
public protocol TokenCounting: Sendable {
  /// - Parameter model: the model's name at the provider.
  func count(_ prompt: PromptContent, model: String) -> PromptTokens
}
