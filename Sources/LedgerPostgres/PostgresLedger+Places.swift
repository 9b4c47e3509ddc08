public import BatchCore
public import Ledger
import LedgerRules

// MARK: - Limits of batches

extension PostgresLedger {
  public func takePlace(
    for batch: BatchRecord, _ limits: BatchLimits, at now: Timestamp
  ) async throws(LedgerError) -> BatchPlace {
    try await commits.perform(rows: 1) { try $0.takePlace(for: batch, limits, at: now) }
  }

  public func learn(
    _ lesson: BatchLesson, from batch: BatchRecord, random: UInt64, at now: Timestamp
  ) async throws(LedgerError) -> BatchStanding {
    try await commits.perform(rows: 1) { try $0.learn(lesson, from: batch, random: random, at: now) }
  }

  public func learn(_ measures: [TokenMeasure], at now: Timestamp) async throws(LedgerError) {
    try await commits.perform(rows: 1) { try $0.learn(measures, at: now) }
  }

  public func standings(at now: Timestamp) async throws(LedgerError) -> [BatchStanding] {
    try await rows.read { try $0.places.standings(at: now) }
  }
}
