import BatchCore
import Wire

/// Reads `usage` of a message: `input_tokens` are those that the cache had no part in.
enum MessageUsage {
  static func usage(_ usage: JSONSlice) -> Usage? {
    guard usage.kind == .object else { return nil }
    let input = count(usage, "input_tokens")
    let output = count(usage, "output_tokens")
    if input == nil, output == nil { return nil }
    let read = count(usage, "cache_read_input_tokens") ?? 0
    let written = count(usage, "cache_creation_input_tokens") ?? 0
    let long = usage["cache_creation"].flatMap { count($0, "ephemeral_1h_input_tokens") } ?? 0
    return Usage(
      inputTokens: sum(input ?? 0, read, written), cachedInputTokens: read, cacheWriteTokens: written,
      outputTokens: output ?? 0, longCacheWriteTokens: min(long, written))
  }

  private static func count(_ object: JSONSlice, _ name: String) -> Int64? { object[name]?.int64.map { max(0, $0) } }

  /// A provider's numbers may be anything.
  private static func sum(_ numbers: Int64...) -> Int64 {
    Int64(clamping: numbers.reduce(Int128(0)) { $0 + Int128($1) })
  }
}
