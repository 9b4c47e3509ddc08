extension MillraceSettings {
  mutating func readPrices(_ file: Section) {
    let names = providers.map(\.name)
    prices =
      file.entries("prices") { name, section in
        if let route = RouteSettings(parsing: name), route.model != nil, !names.contains(route.provider),
          // Names of fine-tuned models have colons too.
          !name.hasPrefix("ft:")
        {
          let near = Spelling.nearest(to: route.provider, among: names).map { "; did you mean \($0)?" } ?? ""
          section.reading.add(
            .init(
              key: section.path,
              message: "the provider \(route.provider.escapedForOneLine) is not under providers\(near)"))
        }
        return PriceSettings(name: name, section)
      } ?? []
  }

  func writePrices(_ out: inout SettingsText) {
    if prices.isEmpty { return out.plain("prices", "{}") }
    out.section("prices") { out in
      for price in prices {
        out.section(price.name) { out in
          if let base = price.base { Self.write(base, &out) }
          if let above = price.longAbove, let long = price.long {
            out.section("long") { out in
              out.plain("above", above)
              Self.write(long, &out)
            }
          }
          if let context = price.contextTokens { out.plain("context", context) }
          if let output = price.outputTokens { out.plain("max_output", output) }
        }
      }
    }
  }

  private static func write(_ tier: PriceSettings.Tier, _ out: inout SettingsText) {
    write(tier.list, &out)
    if let batch = tier.batch { out.section("batch") { write(batch, &$0) } }
  }

  private static func write(_ rates: PriceSettings.Rates, _ out: inout SettingsText) {
    out.plain("input", Dollars.text(rates.input * 1_000_000))
    out.plain("cached_input", Dollars.text(rates.cachedInput * 1_000_000))
    out.plain("cache_write", Dollars.text(rates.cacheWrite * 1_000_000))
    out.plain("output", Dollars.text(rates.output * 1_000_000))
  }
}
