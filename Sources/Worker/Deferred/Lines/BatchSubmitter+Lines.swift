import BatchCore
import Ledger
import Logging

extension BatchSubmitter {
  /// How the rows of a planned batch become lines: nil where each has one of its own. What was decided once stays, also
  /// after a restart with another configuration.
  ///
  /// - Returns: Nil in nil when the process is stopping.
  func lines(of batch: BatchRecord, at provider: any Provider) async -> BatchLines?? {
    guard batch.key.endpoint == .embeddings else { return .some(nil) }
    let known = await context.retry("look for a batch's lines") { () async throws(LedgerError) in
      try await context.ledger.lines(of: batch.id)
    }
    guard let known else { return nil }
    // Parts of a batch that was refused are to tell which row is to blame.
    guard known == nil, context.configuration.mergesEmbeddings, batch.rowCount > 1, batch.halvings == 0,
      !context.unshared.contains(batch), let limits = provider.capabilities.embeddings
    else { return known }
    guard let lines = await group(batch, limits) else { return nil }
    if lines.shared.isEmpty { return .some(nil) }
    context.logger.info(
      "Rows of a batch share lines",
      metadata: ["batch": "\(batch.label)", "rows": "\(batch.rowCount)", "lines": "\(lines.count)"])
    return await context.retry("keep a batch's lines") { () async throws(LedgerError) in
      try await context.ledger.keepLines(lines, of: batch.id)
    }
  }

  private func group(_ batch: BatchRecord, _ limits: EmbeddingLimits) async -> BatchLines? {
    var grouping = LineGrouping(label: batch.label, limits: limits.withHeadroom(for: batch.key.model))
    var last: RequestID?
    while !Task.isCancelled {
      let after = last
      let chunk = await context.retry("read a batch's rows") { () async throws(LedgerError) in
        try await context.ledger.batchRows(
          batch.id, after: after, limit: LedgerRowSource.chunkRows, maximumBytes: LedgerRowSource.chunkBytes)
      }
      guard let chunk else { return nil }
      guard let end = chunk.last else { return grouping.finish() }
      last = end.id
      for row in chunk { grouping.add(row) }
    }
    return nil
  }
}

extension BatchRecord {
  /// The exact size of its input file.
  func inputBytes(_ lines: BatchLines?, at provider: any Provider) -> Int64 {
    provider.inputSize(
      of: lines?.count ?? rowCount, customIDBytes: lines?.customIDBytes ?? customIDBytes,
      bodyBytes: lines?.bodyBytes ?? bodyBytes, modelRangeBytes: lines?.modelRangeBytes ?? modelRangeBytes,
      model: key.model, endpoint: key.endpoint)
  }
}
