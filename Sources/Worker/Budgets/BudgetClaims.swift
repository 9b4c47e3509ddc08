import BatchCore
import Ledger
import Wire

/// Which budgets a request counts against.
struct BudgetClaims: Sendable {
  var rules: [BudgetRule]

  /// - Parameter amount: What it may cost at most; nil where that is not known.
  func claims(_ tags: CostTags, _ route: Route, amount: PicoUSD?, at now: Timestamp) -> [BudgetClaim] {
    rules.compactMap { rule in
      let key = rule.key { tag in
        switch tag {
        case .tenant: tags.tenant
        case .costCenter: tags.costCenter
        case .user: tags.user
        case .service: tags.service
        case .environment: tags.environment
        case .provider: route.provider
        case .model: route.model
        }
      }
      return key.map {
        BudgetClaim(
          key: $0, period: rule.interval.period(at: now), limit: rule.limit, holds: rule.holds, amount: amount)
      }
    }
  }
}
