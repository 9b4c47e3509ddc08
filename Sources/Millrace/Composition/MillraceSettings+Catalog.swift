import BatchCore
import Providers
import Settings

extension MillraceSettings {
  /// The shipped table of models with what is configured before it.
  var modelCatalog: ModelCatalog {
    var catalog = ModelCatalog.shipped
    for provider in providers {
      catalog.list(
        provider.name, under: ModelList.prefix(kind: provider.kind.rawValue, endpoint: provider.endpoint))
    }
    for price in prices {
      var facts = ModelFacts(
        contextTokens: price.contextTokens.map(Int64.init), outputTokens: price.outputTokens.map(Int64.init))
      facts.price = price.base.map {
        ModelPrice(
          ModelPrice.Tier($0), longAbove: price.longAbove.map(Int64.init), long: price.long.map(ModelPrice.Tier.init))
      }
      catalog.configure(price.name, facts)
    }
    // A deployment has the price of its model, unless it has one of its own.
    for provider in providers {
      for (name, deployment) in provider.deployments where !deployment.model.isEmpty {
        let own = "\(provider.name):\(name)"
        guard !prices.contains(where: { $0.name == own }),
          let facts = catalog.facts(of: deployment.model, at: provider.name)
        else { continue }
        catalog.configure(own, facts)
      }
    }
    return catalog
  }
}

extension ModelPrice.Tier {
  fileprivate init(_ tier: PriceSettings.Tier) {
    self.init(list: TokenRates(tier.list), batch: tier.batch.map(TokenRates.init))
  }
}

extension TokenRates {
  fileprivate init(_ rates: PriceSettings.Rates) {
    self.init(
      input: rates.input, cachedInput: rates.cachedInput, cacheWrite: rates.cacheWrite, output: rates.output)
  }
}
