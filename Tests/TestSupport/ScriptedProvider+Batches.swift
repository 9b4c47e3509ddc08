public import BatchCore
import Threading

extension ScriptedProvider {
  /// What a line has besides its custom id and its body.
  private static let frame: Int64 = 60

  public func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    customIDBytes + bodyBytes - modelRangeBytes + Int64(rows) * (Self.frame + Int64(model.utf8.count) + 2)
  }

  public func upload(_ submission: BatchSubmission, rows: any BatchRows) async throws(ProviderError) -> String {
    guard await uploadGate.passUnlessCancelled() else { throw Self.cancelled }
    let answerIsLost = try begin(.upload)
    let id = try await take(rows.source(), submission)
    if answerIsLost { throw Self.lostAnswer }
    return id
  }

  /// Keeps the rows as an input, whose id it returns.
  private func take(_ rows: any BatchRowSource, _ submission: BatchSubmission) async throws(ProviderError) -> String {
    var taken: [BatchRow] = []
    do {
      while let chunk = try await rows.next() { taken += chunk }
    } catch {
      throw ProviderError(
        .unavailable(retryAfter: nil), isAmbiguous: false, message: "the rows cannot be read: \(error)")
    }
    let size = taken.reduce(0) { sum, row in
      sum
        + inputSize(
          of: 1, customIDBytes: Int64(row.customID.utf8.count), bodyBytes: Int64(row.body.bytes.count),
          modelRangeBytes: Int64(row.body.modelRange.count), model: submission.model, endpoint: submission.endpoint)
    }
    let rows = taken
    return state.withLock { state in
      if size != submission.inputBytes || rows.count != submission.rowCount {
        state.complaints.append(
          "\(submission.label): announced \(submission.rowCount) rows and \(submission.inputBytes) bytes, sent "
            + "\(rows.count) and \(size)")
      }
      state.nextID += 1
      let id = "file-\(state.nextID)"
      state.inputs[id] = (submission.label, rows)
      return id
    }
  }

  public func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    guard await createGate.passUnlessCancelled() else { throw Self.cancelled }
    let answerIsLost = try begin(.create)
    let fileID: String
    switch input {
    case .file(let id): fileID = id
    case .rows(let rows): fileID = try await take(rows.source(), submission)
    }
    let isInline = input.fileID == nil
    let snapshot = state.withLock { state -> BatchSnapshot? in
      guard let input = state.inputs[fileID] else { return nil }
      state.nextID += 1
      let id = "batch-\(state.nextID)"
      var plot = state.plot(state.created.count, input.rows)
      if let cap = state.enqueuedCap, Self.enqueued(state) + input.rows.count * 10 > cap {
        plot = .failed("token_limit_exceeded", "Enqueued token limit reached. Limit: \(cap) enqueued tokens.")
        state.refusedForTokens.append(input.rows)
      }
      state.created.append(input.rows)
      var snapshot = BatchSnapshot(id: id, state: .queued)
      snapshot.label = submission.label
      snapshot.inputFileID = isInline ? nil : fileID
      state.batches[id] = Batch(snapshot: snapshot, plot: plot, rows: input.rows)
      Self.execute(id, &state)
      if state.copies > 0 {
        state.copies -= 1
        snapshot.id = id + "-copy"
        state.batches[snapshot.id] = Batch(snapshot: snapshot, plot: plot, rows: input.rows)
      }
      return snapshot
    }
    guard let snapshot else { throw Self.missing(fileID) }
    if answerIsLost { throw Self.lostAnswer }
    return snapshot
  }

  /// Tokens in batches that nobody has seen to be over.
  private static func enqueued(_ state: State) -> Int {
    state.batches.values.reduce(0) { sum, batch in
      batch.plot.end == .failed || batch.polls > batch.plot.runningPolls ? sum : sum + batch.rows.count * 10
    }
  }

  /// Decides everything at once; the polls show it bit by bit.
  private static func execute(_ id: String, _ state: inout State) {
    guard let batch = state.batches[id] else { return }
    var output: [BatchResult] = []
    var errors: [BatchResult] = []
    for (place, row) in batch.rows.enumerated() {
      let paid = Paid(customID: row.customID, body: row.body.bytes)
      switch batch.plot.row(place, row) {
      case .absent: break
      case .lost: state.paid.append(paid)
      case .succeeded, .ended(.succeeded):
        state.paid.append(paid)
        let answer = batch.plot.answer(row)
        let own = answer.map { ProviderResponse(statusCode: 200, requestID: "req", body: $0.body) }
        output.append(
          BatchResult(
            customID: row.customID, disposition: .succeeded, response: own ?? response(200),
            usage: batch.plot.omitsUsage ? nil : answer?.usage ?? usage, message: ""))
      case .empty(let disposition):
        state.paid.append(paid)
        let bare = ProviderResponse(statusCode: 200, requestID: "req", body: [])
        output.append(
          BatchResult(
            customID: row.customID, disposition: disposition, response: disposition == .succeeded ? nil : bare,
            usage: nil, message: disposition == .succeeded ? "" : "answered 200 without a body"))
      case .ended(let disposition):
        errors.append(
          BatchResult(
            customID: row.customID, disposition: disposition, response: response(500), usage: nil,
            message: "scripted failure"))
      }
    }
    output += batch.plot.strangers.map {
      BatchResult(customID: $0, disposition: .succeeded, response: response(200), usage: usage, message: "")
    }
    let copies = batch.plot.copies
    if !output.isEmpty { state.outputs["\(id)-output"] = Array(repeatElement(output, count: copies).joined()) }
    if !errors.isEmpty { state.outputs["\(id)-errors"] = Array(repeatElement(errors, count: copies).joined()) }
  }

  public func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    _ = try begin(.retrieve)
    let snapshot = state.withLock { state -> BatchSnapshot? in
      guard var batch = state.batches[batchID] else { return nil }
      batch.polls += 1
      state.batches[batchID] = batch
      var snapshot = batch.snapshot
      let plot = batch.plot
      guard batch.polls > plot.runningPolls else {
        snapshot.state = .running
        return snapshot
      }
      snapshot.state = plot.end
      snapshot.problems = plot.problems
      let output = state.outputs["\(batchID)-output"] ?? []
      let errors = state.outputs["\(batchID)-errors"] ?? []
      if plot.showsCounts {
        snapshot.counts =
          plot.counts
          ?? BatchSnapshot.Counts(
            total: batch.rows.count, completed: (output.count - plot.strangers.count) / plot.copies,
            failed: errors.count / plot.copies)
      }
      guard batch.polls - plot.runningPolls > plot.fileLag else { return snapshot }
      if !output.isEmpty { snapshot.outputFileID = "\(batchID)-output" }
      if !errors.isEmpty { snapshot.errorFileID = "\(batchID)-errors" }
      return snapshot
    }
    guard let snapshot else { throw Self.missing(batchID) }
    return snapshot
  }

  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    let answerIsLost = try begin(.cancel)
    let snapshot = state.withLock { state -> BatchSnapshot? in
      guard var batch = state.batches[batchID] else { return nil }
      var snapshot = batch.snapshot
      snapshot.state = batch.plot.end
      // What is over stays as it is.
      guard batch.polls <= batch.plot.runningPolls, batch.plot.end == .completed else { return snapshot }
      let output = state.outputs["\(batchID)-output"] ?? []
      let undone = output.dropFirst(batch.plot.ranBeforeCancel)
      state.outputs["\(batchID)-output"] = Array(output.prefix(batch.plot.ranBeforeCancel))
      state.paid.removeAll { paid in undone.contains { $0.customID == paid.customID } }
      if batch.plot.namesCancelled {
        state.outputs["\(batchID)-errors", default: []] += undone.map {
          BatchResult(
            customID: $0.customID, disposition: .notExecuted(.cancelled), response: nil, usage: nil,
            message: "the batch was cancelled")
        }
      }
      batch.plot.end = .cancelled
      batch.plot.runningPolls = batch.polls + batch.plot.cancelPolls
      state.batches[batchID] = batch
      snapshot.state = .cancelling
      return snapshot
    }
    guard let snapshot else { throw Self.missing(batchID) }
    if answerIsLost { throw Self.lostAnswer }
    return snapshot
  }

  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    _ = try begin(.results)
    guard let results = state.withLock({ $0.outputs[fileID] }) else { throw Self.missing(fileID) }
    return ScriptedResults(results)
  }

  public func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
    let lags = try begin(.findBatches)
    return state.withLock { state in
      state.batches.values.map(\.snapshot).filter { snapshot in
        // A list that lags hides a batch once: after the lag that a reconciliation waits it is there.
        snapshot.label == search.label && !(lags && state.hidden.insert(snapshot.id).inserted)
      }
      .sorted { $0.id < $1.id }
    }
  }

  public func findFile(label: String) async throws(ProviderError) -> String? {
    state.withLock { state in state.inputs.filter { $0.value.label == label }.keys.min() }
  }

  public func deleteFile(_ fileID: String) async throws(ProviderError) {
    _ = try begin(.deleteFile)
    let existed = state.withLock { state in
      state.deletedFiles.append(fileID)
      return state.inputs.removeValue(forKey: fileID) != nil
    }
    if !existed { throw Self.missing(fileID) }
  }

  /// Batches that run are over with the next poll.
  public func finishBatches() {
    state.withLock { state in for id in state.batches.keys { state.batches[id]?.plot.runningPolls = 0 } }
  }

  /// The provider forgets its batches, as after their retention.
  public func forgetBatches() { state.withLock { $0.batches = [:] } }

  private static let cancelled = ProviderError(.cancelled, isAmbiguous: false, message: "cancelled")

  private static func missing(_ id: String) -> ProviderError {
    ProviderError(.notFound, isAmbiguous: false, message: "there is no \(id)")
  }
}
