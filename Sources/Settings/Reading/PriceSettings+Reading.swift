extension PriceSettings {
  /// Reads one entry of `prices`.
  init(name: String, _ section: Section) {
    self.init(name: name)
    base = Tier(reading: section)
    section.section("long") { long in
      let above = long.optionalWhole("above", 1...100_000_000)
      guard let tier = Tier(reading: long) else { return }
      if above == nil {
        section.reading.failIfSilent(
          long.full("above"), "missing; set the number of input tokens beyond which these prices hold")
      }
      longAbove = above
      self.long = tier
    }
    contextTokens = section.optionalWhole("context", 1...1_000_000_000)
    outputTokens = section.optionalWhole("max_output", 1...1_000_000_000)
  }
}

extension PriceSettings.Tier {
  /// Nil where the section names no price.
  fileprivate init?(reading section: Section) {
    let list = PriceSettings.Rates(reading: section)
    let batch = section.section("batch") { PriceSettings.Rates(reading: $0) }
    guard let list else {
      if batch != nil {
        section.reading.failIfSilent(section.full("input"), "missing; a price in batches needs a list price beside it")
      }
      return nil
    }
    self.init(list: list, batch: batch)
  }
}

extension PriceSettings.Rates {
  /// Nil where the section names no price. What a cache costs where it is silent is what other input costs.
  fileprivate init?(reading section: Section) {
    let input = section.usdPerMillion("input")
    let cached = section.usdPerMillion("cached_input")
    let write = section.usdPerMillion("cache_write")
    let output = section.usdPerMillion("output")
    if input == nil, output == nil, cached == nil, write == nil { return nil }
    for (key, value) in [("input", input), ("output", output)] where value == nil {
      section.reading.failIfSilent(section.full(key), "missing; set US dollars for a million tokens, such as 0.15")
    }
    guard let input, let output else { return nil }
    self.init(input: input, cachedInput: cached ?? input, cacheWrite: write ?? input, output: output)
  }
}

extension Section {
  fileprivate func optionalWhole(_ key: String, _ range: ClosedRange<Int>) -> Int? {
    guard scalar(key) != nil else { return nil }
    return whole(key, range.lowerBound, range)
  }

  /// US dollars for a million tokens, as pico-USD a token.
  fileprivate func usdPerMillion(_ key: String) -> Int64? {
    guard let scalar = scalar(key) else { return nil }
    guard let value = Dollars.parse(scalar.text), value <= 1_000_000 * 1_000_000_000_000 else {
      reading.fail(
        full(key), scalar, "no price in US dollars for a million tokens, such as 5 or 0.15; allowed: 0 to 1000000")
      return nil
    }
    return value / 1_000_000
  }
}
