import ArgumentParser

/// Which keys are served, and for how much money.
struct AccountOptions: ParsableArguments {
  @Option(help: "USD that a project may cost in total; then its calls and batches are refused. 0 is no end.")
  var quotaAfterUsd: Double?
  @Option(help: "Calls and batch rows that a project may be billed in total. 0 is no end.")
  var quotaAfterCalls: Int?
  @Option(
    help: """
      How it is refused then: insufficient_quota, credit_balance_exhausted (both 429), billing_hard_limit_reached (400) \
      or payment_required (402).
      """)
  var quotaCode: String?
  @Option(help: "Key, its fingerprint or a project that gets 401; * is all; repeatable.")
  var revokedKeys: [String] = []
  @Option(help: "The same for 403.")
  var forbiddenKeys: [String] = []
  @Option(help: "The same for those whose money is used up.")
  var noQuotaKeys: [String] = []

  var numbers: [(String, Int?)] { [("quota_after_calls", quotaAfterCalls)] }

  var decimals: [(String, Double?)] { [("quota_after_usd", quotaAfterUsd)] }

  var choices: [(String, String?)] { [("quota_code", quotaCode)] }

  var lists: [(String, [String])] {
    [("revoked_keys", revokedKeys), ("forbidden_keys", forbiddenKeys), ("no_quota_keys", noQuotaKeys)]
  }
}
