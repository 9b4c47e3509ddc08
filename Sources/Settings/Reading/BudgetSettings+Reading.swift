extension BudgetSettings {
  /// Reads one entry of `budgets`.
  init(name: String, _ section: Section) {
    var matches: [String: String] = [:]
    for tag in Self.tags {
      guard let scalar = section.scalar(tag) else { continue }
      if scalar.text.isEmpty || scalar.text.utf8.count > 255 {
        section.reading.fail(section.full(tag), scalar, "not a value; allowed: 1 to 255 bytes, or * for each value")
      }
      matches[tag] = scalar.text
    }
    self.init(
      name: name, matches: matches, limit: section.dollars("limit_usd", 0, upTo: 9_000_000),
      interval: section.choice("per", .month), atLimit: section.choice("at_limit", .refuse))
    if section.scalar("limit_usd") == nil {
      section.reading.failIfSilent(section.full("limit_usd"), "missing; set US dollars, such as 100 or 0.25")
    }
    if matches.isEmpty {
      section.reading.failIfSilent(
        section.full("tenant"),
        "missing; name what the budget is about, of \(Self.tags.joined(separator: ", ")), with a value or * for each")
    }
    let fits = (1...64).contains(name.utf8.count) && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    if !fits {
      section.reading.add(
        .init(key: section.path, message: "not a usable budget name; allowed: 1 to 64 characters without blanks"))
    }
  }
}

extension MillraceSettings {
  func writeBudgets(_ out: inout SettingsText) {
    if budgets.isEmpty { return out.plain("budgets", "{}") }
    out.section("budgets") { out in
      for budget in budgets {
        out.section(budget.name) { out in
          for tag in BudgetSettings.tags { if let value = budget.matches[tag] { out.text(tag, value) } }
          out.plain("limit_usd", Dollars.text(budget.limit))
          out.plain("per", budget.interval.rawValue)
          out.plain("at_limit", budget.atLimit.rawValue)
        }
      }
    }
  }
}
