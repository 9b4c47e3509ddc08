/// What a call takes of its tenant's share, in tokens.
public enum CallCost {
  /// What any call costs besides its tokens, since it takes a place and a request of the account's limit too.
  public static let floor: Int64 = 100
  /// No single call costs more: the estimate may come from a publisher.
  public static let ceiling: Int64 = 1 << 32

  public static func of(_ usage: Usage) -> Int64 {
    of(tokens: min(max(0, usage.inputTokens), ceiling) + min(max(0, usage.outputTokens), ceiling))
  }

  public static func of(tokens: Int64) -> Int64 { floor + min(max(0, tokens), ceiling - floor) }
}
