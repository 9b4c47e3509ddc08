/// One way to a model: a provider, and the model's name there where it differs.
public struct RouteSettings: Sendable, Equatable, CustomStringConvertible {
  public var provider: String
  /// Nothing means the name that the request asked for.
  public var model: String?

  public init(provider: String, model: String? = nil) {
    self.provider = provider
    self.model = model
  }

  /// Reads `provider` or `provider:model`; nothing where either part is empty.
  public init?(parsing text: String) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else {
      if text.isEmpty { return nil }
      self.init(provider: text)
      return
    }
    let model = text[text.index(after: colon)...]
    guard colon != text.startIndex, !model.isEmpty else { return nil }
    self.init(provider: String(text[..<colon]), model: String(model))
  }

  public var description: String { model.map { "\(provider):\($0)" } ?? provider }
}

/// A provider and the model name to send it.
public struct Route: Sendable, Hashable {
  public var provider: String
  public var model: String

  public init(provider: String, model: String) {
    self.provider = provider
    self.model = model
  }
}

/// One entry under `models`: which names it covers and where they go.
public struct ModelSettings: Sendable, Equatable {
  /// What a body with `input` asks such a model for.
  public enum Mode: String, Sendable, CaseIterable { case chat, embedding, responses }

  /// A model name, in which `*` stands for any characters, also none.
  public var pattern: String
  /// In order of preference.
  public var routes: [RouteSettings]
  public var mode: Mode?

  public init(pattern: String, routes: [RouteSettings], mode: Mode? = nil) {
    self.pattern = pattern
    self.routes = routes
    self.mode = mode
  }
}

/// The models that are served, and the look-up of a name among them.
public struct ModelTable: Sendable, Equatable {
  /// As configured, in the order of the file.
  public let entries: [ModelSettings]
  private let exact: [String: Int]
  /// Positions of entries with a `*`, the one with most literal characters first.
  private let patterns: [(position: Int, parts: [[UInt8]])]

  public init(_ entries: [ModelSettings]) {
    self.entries = entries
    var exact: [String: Int] = [:]
    var patterns: [(position: Int, parts: [[UInt8]], literals: Int)] = []
    for (position, entry) in entries.enumerated() {
      if entry.pattern.utf8.contains(UInt8(ascii: "*")) {
        let parts = entry.pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false)
        let literals = entry.pattern.unicodeScalars.count { $0 != "*" }
        patterns.append((position, parts.map(Array.init), literals))
      } else if exact[entry.pattern] == nil {
        exact[entry.pattern] = position
      }
    }
    // Equal lengths keep the order of the file.
    patterns.sort { ($1.literals, $0.position) < ($0.literals, $1.position) }
    self.exact = exact
    self.patterns = patterns.map { ($0.position, $0.parts) }
  }

  public static func == (left: ModelTable, right: ModelTable) -> Bool { left.entries == right.entries }

  /// The entry for a model: its exact name, else the pattern with most literal characters.
  public func entry(for model: String) -> ModelSettings? {
    if let position = exact[model] { return entries[position] }
    if patterns.isEmpty { return nil }
    let name = Array(model.utf8)
    return patterns.first { Self.matches(name[...], parts: $0.parts) }.map { entries[$0.position] }
  }

  /// Where requests for a model go, in order of preference; empty where no entry covers it.
  public func routes(for model: String) -> [Route] {
    (entry(for: model)?.routes ?? []).map { Route(provider: $0.provider, model: $0.model ?? model) }
  }

  /// Matches the literal parts between the stars, each at its leftmost place: no backtracking, so hostile names cost
  /// no more than their length times that of the pattern.
  private static func matches(_ name: ArraySlice<UInt8>, parts: [[UInt8]]) -> Bool {
    guard let first = parts.first, let last = parts.last, name.count >= first.count + last.count else { return false }
    guard name.starts(with: first), name.suffix(last.count).elementsEqual(last) else { return false }
    var rest = name.dropFirst(first.count).dropLast(last.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let found = rest.firstRange(of: part) else { return false }
      rest = rest[found.upperBound...]
    }
    return true
  }
}
