/// A limit on what some requests may cost within a day or a month.
public struct BudgetRule: Hashable, Sendable {
  /// What tells requests apart.
  public enum Tag: String, Hashable, Sendable, CaseIterable {
    case tenant
    case costCenter = "cost_center"
    case user, service, environment, provider, model
  }

  /// Which values a budget is about.
  public enum Match: Hashable, Sendable {
    case value(String)
    /// Every value has a budget of its own.
    case each
  }

  /// Unique.
  public var name: String
  /// All of them must fit.
  public var matches: [Tag: Match]
  public var limit: PicoUSD
  public var interval: BudgetInterval
  /// Whether requests that don't fit wait for the next period; else they are refused.
  public var holds: Bool

  public init(name: String, matches: [Tag: Match], limit: PicoUSD, interval: BudgetInterval, holds: Bool) {
    self.name = name
    self.matches = matches
    self.limit = limit
    self.interval = interval
    self.holds = holds
  }

  /// The key of the budget that a request counts against; nil if it does not.
  ///
  /// - Parameter value: What the request has for a tag, if it has any.
  public func key(_ value: (Tag) -> String?) -> String? {
    var key = name
    for tag in Tag.allCases {
      guard let match = matches[tag] else { continue }
      guard let own = value(tag), !own.isEmpty else { return nil }
      switch match {
      case .value(let wanted): guard own == wanted else { return nil }
      // The name of a model may be the publisher's: what a store drops, or what separates, tells no keys apart.
      case .each:
        key += Self.separator
        key.unicodeScalars.append(contentsOf: own.unicodeScalars.filter { $0.value >= 0x20 })
      }
    }
    return key
  }

  /// No name and no tag has it.
  public static let separator = "\u{1F}"

  /// The name of the rule that a key is of.
  public static func name(ofKey key: String) -> String {
    String(key.prefix { $0 != "\u{1F}" })
  }

  /// A key in words, for people: `name` or `name of acme`.
  public static func text(ofKey key: String) -> String {
    let parts = key.split(separator: "\u{1F}", omittingEmptySubsequences: false)
    return parts.count == 1 ? key : "\(parts[0]) of \(parts.dropFirst().joined(separator: ", "))"
  }
}
