/// Models by the names that their providers give them: prices, contexts and limits.
///
/// What is configured comes before what is shipped. A model that is in neither has an unknown price, never zero.
public struct ModelCatalog: Hashable, Sendable {
  private var shipped: [String: ModelFacts]
  /// By model, and by `provider:model` where it is told for one provider.
  private var configured: [String: ModelFacts] = [:]
  /// What stands before the names of a provider's models in the shipped table; nil where it has none of them.
  private var prefixes: [String: String?] = [:]

  public init(_ shipped: [String: ModelFacts] = [:]) {
    self.shipped = shipped
  }

  /// Has the provider's models looked up under this prefix, such as `azure/`, in the shipped table. Without it they are
  /// looked up as they are named; nil means that the table has none of them.
  public mutating func list(_ provider: String, under prefix: String?) { prefixes[provider] = .some(prefix) }

  /// Puts facts before the shipped ones.
  ///
  /// - Parameter name: `model` for every provider, `provider:model` for one.
  public mutating func configure(_ name: String, _ facts: ModelFacts) { configured[name] = facts }

  /// What is known of the model, or of the one that it is a dated snapshot of (`gpt-4o-mini-2024-07-18`). Nil: nothing.
  public func facts(of model: String, at provider: String) -> ModelFacts? {
    let own = find(model) { configured["\(provider):\($0)"] } ?? find(model) { configured[$0] }
    guard let prefix = prefixes[provider] ?? "" else { return own }
    let table = find(model) { shipped[prefix + $0] }
    return own?.filled(from: table) ?? table
  }

  public func price(of model: String, at provider: String) -> ModelPrice? {
    facts(of: model, at: provider)?.price
  }

  private func find(_ model: String, _ look: (String) -> ModelFacts?) -> ModelFacts? {
    if let facts = look(model) { return facts }
    if let base = Self.base(ofDated: model), let facts = look(base) { return facts }
    // A fine-tuned model has the owner and a number behind the model's name.
    guard model.hasPrefix("ft:") else { return nil }
    let name = model.split(separator: ":", maxSplits: 2).prefix(2).joined(separator: ":")
    return name == model ? nil : find(name, look)
  }

  /// The name without `-YYYY-MM-DD` or `-YYYYMMDD` at its end.
  private static func base(ofDated model: String) -> String? {
    let digits: ClosedRange<UInt8> = UInt8(ascii: "0")...UInt8(ascii: "9")
    func ends(_ count: Int, dashes: Set<Int>) -> Bool {
      model.utf8.count > count
        && model.utf8.suffix(count).enumerated().allSatisfy { index, byte in
          dashes.contains(index) ? byte == UInt8(ascii: "-") : digits.contains(byte)
        }
    }
    if ends(11, dashes: [0, 5, 8]) { return String(model.dropLast(11)) }
    if ends(9, dashes: [0]) { return String(model.dropLast(9)) }
    return nil
  }
}
