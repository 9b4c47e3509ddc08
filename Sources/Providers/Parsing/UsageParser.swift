import BatchCore
import Wire

/// Reads `usage` as chat, responses and embeddings name its parts. Whatever is missing or null counts as zero.
enum UsageParser {
  static func usage(_ usage: JSONSlice) -> Usage? {
    guard usage.kind == .object else { return nil }
    let input = count(usage, "prompt_tokens") ?? count(usage, "input_tokens")
    let output = count(usage, "completion_tokens") ?? count(usage, "output_tokens")
    if input == nil, output == nil { return nil }
    let details = [usage["prompt_tokens_details"], usage["input_tokens_details"]].lazy.compactMap { $0 }
    let cached = details.compactMap { count($0, "cached_tokens") }.first ?? 0
    return Usage(
      inputTokens: input ?? 0, cachedInputTokens: min(cached, input ?? 0), outputTokens: output ?? 0)
  }

  private static func count(_ object: JSONSlice, _ name: String) -> Int64? {
    guard let number = object[name]?.int64 else { return nil }
    return max(0, number)
  }
}
