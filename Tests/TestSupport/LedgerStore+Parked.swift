public import BatchCore
public import Ledger

extension LedgerStore {
  /// Claims parked rows of both classes, interactive ones first.
  public func takeParked(
    provider: String, model: String, limit: Int, at now: Timestamp
  ) async throws(LedgerError) -> [ParkedCall] {
    var calls: [ParkedCall] = []
    for callClass in CallClass.allCases {
      let line = ParkedLine(route: Route(provider: provider, model: model), callClass: callClass)
      calls += try await takeParked(ParkedClaim(line: line, limit: limit - calls.count), at: now).calls
    }
    return calls
  }
}
