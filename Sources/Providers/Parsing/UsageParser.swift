import BatchCore
import Wire

/// Reads `usage` as chat, responses and embeddings name its parts. Whatever is missing or null counts as zero.
enum UsageParser {
  /// - Parameter reasoningIsExtra: Whether reasoning tokens are no part of the output tokens.
  static func usage(_ usage: JSONSlice, reasoningIsExtra: Bool = false) -> Usage? {
    guard usage.kind == .object else { return nil }
    let input = count(usage, "prompt_tokens") ?? count(usage, "input_tokens")
    let output = count(usage, "completion_tokens") ?? count(usage, "output_tokens")
    if input == nil, output == nil { return nil }
    let details = [usage["prompt_tokens_details"], usage["input_tokens_details"]].lazy.compactMap { $0 }
    let cached = details.compactMap { count($0, "cached_tokens") }.first ?? 0
    let outputDetails = [usage["completion_tokens_details"], usage["output_tokens_details"]].lazy.compactMap { $0 }
    let reasoning = reasoningIsExtra ? outputDetails.compactMap { count($0, "reasoning_tokens") }.first ?? 0 : 0
    let written = details.compactMap { count($0, "cache_write_tokens") }.first ?? 0
    let all = input ?? 0
    return Usage(
      inputTokens: all, cachedInputTokens: min(cached, all), cacheWriteTokens: min(written, all - min(cached, all)),
      outputTokens: (output ?? 0).addingReportingOverflow(reasoning).overflow ? .max : (output ?? 0) + reasoning)
  }

  private static func count(_ object: JSONSlice, _ name: String) -> Int64? {
    guard let number = object[name]?.int64 else { return nil }
    return max(0, number)
  }
}
