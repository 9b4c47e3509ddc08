import BatchCore

/// What an attempt costs, and what the same tokens cost by the list.
struct Charge: Sendable, Hashable {
  var cost: PicoUSD?
  var basis: CostBasis
  /// Synchronously, with the prompt cache as it was, and without one.
  var list: PicoUSD?
  var full: PicoUSD?

  /// - Parameter price: Nil where it is not known, which is not zero.
  init(_ usage: Usage?, price: ModelPrice?, lane: Lane) {
    guard let usage, let price else {
      basis = .unknown
      return
    }
    basis = lane == .deferred ? .batch : .list
    cost = price.cost(of: usage, basis: basis)
    if cost == nil { return }
    list = price.cost(of: usage, basis: .list)
    full = price.cost(of: usage.withoutCache, basis: .list)
  }
}

extension Usage {
  /// The same tokens as if no prompt cache had been there.
  fileprivate var withoutCache: Usage { Usage(inputTokens: inputTokens, outputTokens: outputTokens) }
}
