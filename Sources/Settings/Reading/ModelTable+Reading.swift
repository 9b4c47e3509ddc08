extension ModelSettings {
  /// Reads one entry of `models`.
  init(name: String, _ section: Section, fallback: ModelSettings?, providers: [String]) {
    self.init(pattern: name, routes: fallback?.routes ?? [])
    mode = section.optionalChoice("mode") ?? fallback?.mode
    guard let values = section.scalars("routes") else {
      if fallback == nil {
        section.reading.failIfSilent(
          section.full("routes"), "missing; allowed: a list of provider or provider:model-there")
      }
      return
    }
    routes = values.compactMap { Self.route($0, section, providers: providers) }
    if values.isEmpty {
      section.reading.failIfSilent(section.full("routes"), "empty; allowed: a list of provider or provider:model-there")
    }
  }

  private static func route(_ scalar: Scalar, _ section: Section, providers: [String]) -> RouteSettings? {
    guard let route = RouteSettings(parsing: scalar.text) else {
      section.reading.fail(section.full("routes"), scalar, "not a route; allowed: provider or provider:model-there")
      return nil
    }
    guard providers.contains(route.provider) else {
      let near = Spelling.nearest(to: route.provider, among: providers)
      let hint = near.map { "did you mean \($0)?" } ?? "allowed: " + providers.joined(separator: ", ")
      section.reading.fail(
        section.full("routes"), scalar,
        "the provider \(route.provider.escapedForOneLine) is not under providers; \(hint)")
      return nil
    }
    return route
  }
}
