/// Tells the failures of whole batches apart.
public enum BatchFailure {
  /// How often a batch is halved before its rows go alone.
  public static let maximumHalvings = 6

  /// - Parameters:
  ///   - problems: what the provider says is wrong, in its order.
  ///   - rowCount: how many lines the input file had.
  ///   - halvings: how often the rows of this batch were halved already.
  public static func disposition(
    of problems: [BatchSnapshot.Problem], rowCount: Int, halvings: Int
  ) -> BatchDisposition {
    let codes = problems.map { $0.code.lowercased() }
    if let fault = codes.lazy.compactMap(accountFault).first { return .accountClosed(fault) }
    if let problem = problems.first(where: { $0.code.lowercased() == "token_limit_exceeded" }) {
      return .resubmitWithRoom(cap: NamedLimit.parse(problem.message))
    }
    if codes.contains(where: isTransient) { return .resubmitLater }
    if rowCount > 1, let size = problems.lazy.compactMap(tooLarge).first { return size }

    let named = problems.filter { problem in problem.line.map { $0 >= 1 && $0 <= rowCount } ?? false }
    if let first = named.first {
      return .dropLines(Set(named.compactMap(\.line)).sorted(), failure(for: first))
    }
    guard let first = problems.first else { return split(rowCount: rowCount, halvings: halvings, for: nil) }
    return codes.contains(where: isAboutLines)
      ? split(rowCount: rowCount, halvings: halvings, for: first) : .failAll(failure(for: first))
  }

  private static func split(
    rowCount: Int, halvings: Int, for problem: BatchSnapshot.Problem?
  ) -> BatchDisposition {
    if rowCount <= 1 { return .failAll(failure(for: problem)) }
    return halvings < maximumHalvings ? .halve : .separate
  }

  private static func failure(for problem: BatchSnapshot.Problem?) -> Failure {
    guard let problem else { return Failure(.providerRejected, "the provider failed the batch without a reason") }
    let code = problem.code.isEmpty ? "no code" : problem.code
    return Failure(.providerRejected, "the provider failed the batch (\(code)): \(problem.message)")
  }

  private static func accountFault(_ code: String) -> AccountFault? {
    if AccountFault.billingCodes.contains(code) { return .billing }
    return AccountFault.unauthorisedCodes.contains(code) || code == AccountFault.unusableDeployment
      ? .unauthorised : nil
  }

  /// Codes that say nothing about the rows.
  private static func isTransient(_ code: String) -> Bool {
    switch code {
    case "rate_limit_exceeded", "slow_down", "server_error", "internal_error",
      "internal_server_error", "service_unavailable", "server_is_overloaded", "timeout":
      true
    default: false
    }
  }

  /// Codes that blame the size of the batch; with a line they blame that line.
  private static func tooLarge(_ problem: BatchSnapshot.Problem) -> BatchDisposition? {
    guard problem.line == nil else { return nil }
    let limit = NamedLimit.parse(problem.message)
    return switch problem.code.lowercased() {
    case "too_many_tasks", "too_many_requests_in_batch", "batch_too_large": .tooManyRows(limit: limit)
    case "file_too_large", "input_file_too_large", "request_too_large": .tooManyBytes(limit: limit)
    default: nil
    }
  }

  /// Codes for which some lines of the file may be at fault and others not. The providers publish no list, so families
  /// of names count.
  private static func isAboutLines(_ code: String) -> Bool {
    code.isEmpty || ["invalid_", "missing_", "duplicate_", "too_many_", "unsupported_"].contains { code.hasPrefix($0) }
      || ["_mismatch", "_too_large", "_too_long", "_line"].contains { code.hasSuffix($0) }
  }
}

extension AccountFault {
  /// Error codes and types, in lower case, that mean that money or quota has run out.
  public static let billingCodes: Set<String> = [
    "insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded", "organization_usage_limit_exceeded", "billing_hard_limit_reached",
    "billing_not_active", "insufficient_balance", "billing_error", "enforced_spend_limit_reached",
    "contract_spend_limit_reached", "organization_on_hold",
  ]

  /// What it is called here that a deployment is not for batches: nothing that is sent to it can succeed.
  public static let unusableDeployment = "deployment_not_for_batches"

  /// Error codes and types, in lower case, that mean that the key is not accepted.
  public static let unauthorisedCodes: Set<String> = [
    "invalid_api_key", "incorrect_api_key", "invalid_authentication", "authentication_error", "account_deactivated",
    "permission_denied", "permission_error",
  ]
}
