/// What a project may be paid for in total.
struct Quota {
  let behaviour: Behaviour
  let credentials: Credentials
  let paid: PaidLog

  /// The refusal of what costs, if nothing is left.
  func refusal(_ caller: Credentials.Caller) -> APIError? {
    if !caller.hasCredit { return .noCredit }
    return isUsedUp(caller) ? behaviour.quotaCode.error : nil
  }

  func isUsedUp(_ caller: Credentials.Caller) -> Bool {
    if caller.isAmong(behaviour.noQuotaKeys) { return true }
    let (dollars, calls) = (behaviour.quotaAfterUSD, behaviour.quotaAfterCalls)
    guard dollars > 0 || calls > 0 else { return false }
    let spent = paid.spending(of: credentials.fingerprints(of: caller.project))
    return (calls > 0 && spent.count >= calls) || (dollars > 0 && Double(spent.picoUSD) >= dollars * 1e12)
  }
}
