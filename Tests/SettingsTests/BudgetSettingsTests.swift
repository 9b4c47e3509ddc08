import Settings
import Testing

@Suite("Budget settings", .timeLimit(.minutes(4)))
struct BudgetSettingsTests {
  @Test func read() throws {
    let settings = try load(
      """
      budgets:
        acme: {tenant: acme, limit_usd: 0.25}
        all: {tenant: "*", model: gpt-4o, limit_usd: 20, per: day, at_limit: park}
      """)
    #expect(
      settings.budgets == [
        BudgetSettings(
          name: "acme", matches: ["tenant": "acme"], limit: 250_000_000_000, interval: .month, atLimit: .refuse),
        BudgetSettings(
          name: "all", matches: ["tenant": "*", "model": "gpt-4o"], limit: 20_000_000_000_000, interval: .day,
          atLimit: .park),
      ])
    #expect(try load(settings.redactedDescription).budgets == settings.budgets)
  }

  @Test(
    "what is no budget is named",
    arguments: [
      ("a: {limit_usd: 1}", "budgets.a.tenant"), ("a: {tenant: x}", "budgets.a.limit_usd"),
      ("a: {tenant: x, limit_usd: lots}", "budgets.a.limit_usd"),
      ("a: {tenant: x, limit_usd: 1, per: week}", "budgets.a.per"),
      ("a: {tenant: x, limit_usd: 1, at_limit: stop}", "budgets.a.at_limit"),
      ("a: {tenant: \"\", limit_usd: 1}", "budgets.a.tenant"),
      ("a: {team: x, tenant: x, limit_usd: 1}", "budgets.a.team"),
      ("\"a b\": {tenant: x, limit_usd: 1}", "budgets.a b"),
    ])
  func wrong(entry: String, key: String) {
    let lines = problems("budgets: {\(entry)}")
    #expect(lines.count == 1, "\(lines)")
    #expect(lines.first?.contains(key) == true)
  }
}
