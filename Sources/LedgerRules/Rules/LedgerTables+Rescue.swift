package import BatchCore
package import Ledger

/// Rows that their batch will not bring in time.
extension LedgerTables {
  package func rescue(_ batch: BatchID, _ rescue: BatchRescue, at now: Timestamp) throws -> [RescuedRow] {
    switch rescue {
    case .cancel:
      // It may have come home meanwhile.
      guard try knownState(of: batch).state == .submitted else { return [] }
      try setCancelled(batch, at: now)
      return []
    case .sendTwice(let rows, let limit):
      // Whoever spends waits for the one before, so that together they keep to the limit.
      try lockPlaces()
      guard try knownState(of: batch).state == .submitted else { return [] }
      var left = limit.most.value.subtractingReportingOverflow(try doubleSpend(since: limit.since).value).partialValue
      var affordable: [RescuedRow] = []
      for row in rows {
        let cost = max(0, row.cost.value)
        guard cost <= left else { break }
        left -= cost
        affordable.append(row)
      }
      if affordable.isEmpty { return [] }
      let sent = Set(try sendTwice(affordable.map(\.id.rawValue), of: batch, notBefore: now))
      let rescued = affordable.filter { sent.contains($0.id.rawValue) }
      if rescued.isEmpty { return [] }
      let spend = rescued.reduce(Int64(0)) { $0 &+ max(0, $1.cost.value) }
      try addDoubleSpend(PicoUSD(spend), of: batch, at: now)
      return rescued
    }
  }

  /// The batch is over: attempts in it of which nothing came are lost.
  func endRunning(in batch: BatchID, costUnknown: Bool, at now: Timestamp) throws {
    for row in try runningBeside(batch) {
      // One that is answered by the other attempt may have been paid for this one too.
      let isOpen = try row.isOver ? costUnknown && !isKnown(row.attempt, of: row.id) : true
      if isOpen {
        let outcome = AttemptOutcome(
          id: RequestID(row.id), attempt: row.attempt, batch: batch, verdict: .finish(nil), costUnknown: costUnknown)
        try insertAttempt(outcome, id: try makeAttemptID(), of: row.id, .lost, at: now)
      }
      try endRunning(row.id)
    }
  }

  private func isKnown(_ attempt: Int, of id: Int64) throws -> Bool {
    if try end(of: attempt, of: id) != nil { return true }
    return try answeringAttempt(of: id) == attempt
  }
}
