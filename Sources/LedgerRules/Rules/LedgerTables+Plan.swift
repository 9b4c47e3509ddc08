package import BatchCore
package import Ledger
import Wire

/// The intent of a batch. It is committed a step at a time, so that whoever waits for a commit meanwhile waits for a step of
/// it, whatever the size of the batch.
extension LedgerTables {
  /// Takes rows of the plan into its batch, which is made by the first step that has any.
  ///
  /// A plan that did not come to its end is gone on with when it is made again. One of a process that ended is a batch of
  /// what it has; its other rows are accepted still.
  package func plan(_ plan: BatchPlan, _ rows: [Int64], at now: Timestamp) throws -> PlannedBatch {
    let found = try members(rows)
    let expired = found.filter { $0.deadline.map { $0 < now } ?? false }
    let cutOff = max(now, plan.cutOff ?? now)
    let urgent = found.filter { $0.deadline.map { $0 >= now && $0 < cutOff } ?? false }
    let members = found.filter { $0.deadline.map { $0 >= cutOff } ?? true }
    for member in expired {
      guard let row = try self.row(member.id) else { continue }
      try finish(row, Failure(.deadlineExceeded, "its deadline passed before it was sent"), at: now)
    }
    if !urgent.isEmpty { _ = try expedite(urgent.map(\.id), notBefore: now) }
    var planned = PlannedBatch(
      batch: try begun(plan), expired: expired.map { RequestID($0.id) }, expedited: urgent.map { RequestID($0.id) })
    if members.isEmpty { return planned }
    if var batch = planned.batch {
      batch.add(members)
      try update(batch)
      planned.batch = batch
    } else {
      var batch = BatchRecord(plan, at: now)
      batch.add(members)
      batch.id = try insert(batch, closedBy: plan.trigger)
      planned.batch = batch
    }
    if let batch = planned.batch { try assign(members, to: batch.id) }
    return planned
  }

  /// What an earlier step made.
  private func begun(_ plan: BatchPlan) throws -> BatchRecord? {
    guard let batch = try plannedBatch(label: plan.label) else { return nil }
    guard batch.account == plan.account, batch.key == plan.key else {
      throw InvalidOperation("the label \(plan.label) names another batch")
    }
    return batch
  }
}

extension BatchPlan {
  /// Its rows by step, each once and all in the order of their ids.
  var steps: [[Int64]] {
    let ids = Set(rows.map(\.rawValue)).sorted()
    return stride(from: 0, to: ids.count, by: BatchStep.rows).map {
      Array(ids[$0..<min($0 + BatchStep.rows, ids.count)])
    }
  }
}

extension BatchRecord {
  /// Without rows.
  fileprivate init(_ plan: BatchPlan, at now: Timestamp) {
    self.init(
      id: BatchID(0), state: .planned, label: plan.label, account: plan.account, key: plan.key, rowCount: 0, tokens: 0,
      bodyBytes: 0, modelRangeBytes: 0, customIDBytes: 0, contentHash: SHA256().finalize(), createdAt: now,
      halvings: plan.halvings, price: plan.price)
  }

  /// The hash is over that of the rows before them, and what these are.
  fileprivate mutating func add(_ members: [BatchMember]) {
    var hasher = SHA256()
    contentHash.withUnsafeBytes { hasher.update($0) }
    for member in members {
      var customID = "\(label)_\(member.id)_\(member.attempt)"
      customIDBytes += Int64(customID.utf8.count)
      customID.withUTF8 { hasher.update(UnsafeRawBufferPointer($0)) }
      // No custom id has a line break, so no two lists of rows hash the same bytes.
      hasher.update(CollectionOfOne(UInt8(ascii: "\n")))
      member.bodyHash.withUnsafeBytes { hasher.update($0) }
      tokens = tokens.addingReportingOverflow(member.tokens).partialValue
      bodyBytes += member.bodyBytes
      modelRangeBytes += member.modelBytes
    }
    rowCount += members.count
    contentHash = hasher.finalize()
  }
}
