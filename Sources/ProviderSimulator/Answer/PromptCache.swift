import Threading

/// What of long prompts is still known from prompts before, as OpenAI's prompt cache does unasked: beginnings of 1,024
/// tokens and of each 128 more. What was not used for longest is forgotten first.
final class PromptCache: Sendable {
  private struct Key: Hashable {
    var project: String
    var model: String
    /// Of the shortest beginning: all that are longer are kept with it.
    var prefix: UInt64
  }

  private struct Entry {
    var hashes: Set<UInt64> = []
    var lastUse = 0
  }

  private struct Entries {
    var byKey: [Key: Entry] = [:]
    var uses = 0
  }

  private let entries = Locked(Entries())
  /// Of one entry, beyond which it begins anew: prompts that go on differently.
  private static let mostHashes = 1024
  private static let mostEntries = 4096

  /// The tokens of a prompt that are cached, of which all are from now on.
  ///
  /// - Parameter capacity: How many beginnings are held, of all projects and models.
  func use(_ prefixes: PromptPrefixes?, project: String, model: String, capacity: Int) -> Int {
    guard capacity > 0, let prefixes, let first = prefixes.hashes.first else { return 0 }
    let key = Key(project: project, model: model, prefix: first)
    return entries.withLock { entries in
      entries.uses += 1
      var entry = entries.byKey[key] ?? Entry()
      let cached = prefixes.tokens { entry.hashes.contains($0) }
      if entry.hashes.count + prefixes.hashes.count > Self.mostHashes { entry.hashes = [] }
      entry.hashes.formUnion(prefixes.hashes.prefix(Self.mostHashes))
      entry.lastUse = entries.uses
      entries.byKey[key] = entry
      while entries.byKey.count > min(capacity, Self.mostEntries),
        let oldest = entries.byKey.min(by: { $0.value.lastUse < $1.value.lastUse })
      { entries.byKey[oldest.key] = nil }
      return cached
    }
  }

  func forget() { entries.withLock { $0 = Entries() } }
}
