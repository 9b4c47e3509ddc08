import BatchCore
import Wire

/// Reads `usage`, where cached tokens may stand beside the others.
enum MistralUsage {
  static func usage(_ usage: JSONSlice) -> Usage? {
    guard var found = UsageParser.usage(usage) else { return nil }
    if found.cachedInputTokens == 0, let cached = usage["num_cached_tokens"]?.int64 {
      found.cachedInputTokens = min(max(0, cached), found.inputTokens)
    }
    return found
  }
}
