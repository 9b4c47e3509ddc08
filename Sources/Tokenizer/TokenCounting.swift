/// Estimates how many tokens a request's text is, for windows, pace and budgets. Bills follow the provider's own count.
public protocol TokenCounting: Sendable {
  /// - Parameters:
  ///   - textBytes: the size of the request's text in UTF-8 bytes.
  ///   - model: the model's name as the request gives it.
  /// - Returns: an estimate of at least 1.
  func estimate(textBytes: Int, model: String) -> Int64
}
