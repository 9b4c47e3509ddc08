import BatchCore
import Synchronization
import Wire

/// An output or error file, read as it arrives: split by bytes, at most one unfinished line and one chunk in memory.
actor ResultFile: BatchResultSource {
  private static let maximumResults = 64
  private static let chunkBytes = 1 << 20

  private let what: String
  private let account: any APIAccount
  /// Reads one line; nil if it names nobody who could be answered.
  private let read: @Sendable ([UInt8]) -> BatchResult?
  private var source: (any HTTPExchange.ByteSource)?
  private var splitter: JSONLineSplitter
  private var lines: ArraySlice<[UInt8]> = []
  /// Kept until the results before it have been handed out.
  private var failure: ProviderError?
  // Read without the actor, so that a gauge need not wait.
  private nonisolated let unreadable = Atomic<Int>(0)

  nonisolated var unreadableLines: Int { unreadable.load(ordering: .relaxed) }

  init(
    _ what: String, of account: any APIAccount, source: any HTTPExchange.ByteSource,
    read: @escaping @Sendable ([UInt8]) -> BatchResult?
  ) {
    self.what = what
    self.account = account
    self.source = source
    self.read = read
    splitter = JSONLineSplitter(maximumLineBytes: account.maximumResponseBytes)
  }

  func next() async throws(ProviderError) -> [BatchResult]? {
    var results: [BatchResult] = []
    var bytes = 0
    while results.count < Self.maximumResults, bytes < Self.chunkBytes {
      guard let line = lines.popFirst() else {
        guard await readMore() else { break }
        continue
      }
      if let result = read(line) ?? ProviderText.repaired(line).flatMap(read) {
        results.append(result)
        bytes += line.count
      } else {
        unreadable.add(1, ordering: .relaxed)
      }
    }
    if !results.isEmpty { return results }
    if let failure { throw failure }
    return nil
  }

  private func readMore() async -> Bool {
    guard let source else { return false }
    do {
      guard let chunk = try await source.next() else {
        self.source = nil
        return readLastLine()
      }
      split(chunk)
      return true
    } catch {
      self.source = nil
      failure = account.providerError(what, error, isWrite: false)
      return false
    }
  }

  private func split(_ chunk: [UInt8]) {
    do {
      lines = try splitter.append(chunk)[...]
    } catch {
      // One line that is too long must not keep the others back.
      lines = error.lines[...]
      unreadable.add(1, ordering: .relaxed)
    }
  }

  /// The last newline is optional. A last line that is no JSON is what remains of a file that was cut.
  private func readLastLine() -> Bool {
    guard let line = splitter.finish() else { return false }
    guard (try? JSONSlice.parse(ProviderText.repaired(line) ?? line, maximumDepth: JSONDepth.answers)) != nil else {
      failure = ProviderError(
        .unavailable(retryAfter: nil), isAmbiguous: false,
        message: "\(account.name): \(what): the file ends within a line")
      return false
    }
    lines = [line]
    return true
  }
}
