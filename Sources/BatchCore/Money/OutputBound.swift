/// The most output tokens that a request can be billed for.
public enum OutputBound {
  /// What stands for a model whose limit nobody knows and a request that names none.
  public static let assumed: Int64 = 4096

  /// - Parameters:
  ///   - limit: What the request allows for an answer, if it says.
  ///   - choices: How many answers it asks for.
  ///   - modelLimit: The most that the model writes, if that is known.
  public static func tokens(endpoint: Endpoint, limit: Int64?, choices: Int, modelLimit: Int64?) -> Int64 {
    if endpoint == .embeddings { return 0 }
    let each = min(max(0, limit ?? modelLimit ?? assumed), modelLimit ?? .max)
    let (all, overflow) = each.multipliedReportingOverflow(by: Int64(max(1, choices)))
    return overflow ? .max : all
  }
}
