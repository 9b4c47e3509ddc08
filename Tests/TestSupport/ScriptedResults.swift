import BatchCore
import Threading

/// Results from memory, some at a time.
final class ScriptedResults: BatchResultSource {
  private let rest: Locked<ArraySlice<BatchResult>>
  private static let chunk = 100

  init(_ results: [BatchResult]) {
    rest = Locked(results[...])
  }

  func next() async throws(ProviderError) -> [BatchResult]? {
    rest.withLock { rest in
      if rest.isEmpty { return nil }
      defer { rest = rest.dropFirst(Self.chunk) }
      return Array(rest.prefix(Self.chunk))
    }
  }

  var unreadableLines: Int { 0 }
}
