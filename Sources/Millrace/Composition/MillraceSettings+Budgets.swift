import BatchCore
import Settings

extension MillraceSettings {
  /// The budgets as the worker sees them.
  var budgetRules: [BudgetRule] {
    budgets.map { budget in
      var matches: [BudgetRule.Tag: BudgetRule.Match] = [:]
      for (name, value) in budget.matches {
        guard let tag = BudgetRule.Tag(rawValue: name) else { continue }
        matches[tag] = value == "*" ? .each : .value(value)
      }
      return BudgetRule(
        name: budget.name, matches: matches, limit: PicoUSD(budget.limit),
        interval: budget.interval == .day ? .day : .month, holds: budget.atLimit == .park)
    }
  }
}
