import BatchCore
import Wire

/// Reads `usageMetadata`: thoughts are no part of the candidates, and billed as they are.
enum GenerateUsage {
  static func usage(_ usage: JSONSlice) -> Usage? {
    guard usage.kind == .object else { return nil }
    let input = count(usage, "promptTokenCount")
    let output = count(usage, "candidatesTokenCount")
    let thoughts = count(usage, "thoughtsTokenCount")
    if input == nil, output == nil, thoughts == nil { return nil }
    let all = sum(input ?? 0, count(usage, "toolUsePromptTokenCount") ?? 0)
    return Usage(
      inputTokens: all, cachedInputTokens: min(count(usage, "cachedContentTokenCount") ?? 0, all),
      outputTokens: sum(output ?? 0, thoughts ?? 0))
  }

  static func thoughts(_ usage: JSONSlice) -> Int64 { count(usage, "thoughtsTokenCount") ?? 0 }

  private static func count(_ object: JSONSlice, _ name: String) -> Int64? {
    object[name].flatMap { $0.int64 ?? $0.string.flatMap { Int64($0) } }.map { max(0, $0) }
  }

  /// A provider's numbers may be anything.
  private static func sum(_ left: Int64, _ right: Int64) -> Int64 { Int64(clamping: Int128(left) + Int128(right)) }
}
