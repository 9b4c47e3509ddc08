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

  public func upload(_ submission: BatchSubmission, rows: any BatchRowSource) async throws(ProviderError) -> String {
    guard await uploadGate.passUnlessCancelled() else { throw Self.cancelled }
    let answerIsLost = try begin(.upload)
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
    let id = state.withLock { state in
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
    if answerIsLost { throw Self.lostAnswer }
    return id
  }

  public func create(
    _ submission: BatchSubmission, fileID: String, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    guard await createGate.passUnlessCancelled() else { throw Self.cancelled }
    let answerIsLost = try begin(.create)
    let snapshot = state.withLock { state -> BatchSnapshot? in
      guard let input = state.inputs[fileID] else { return nil }
      state.nextID += 1
      let id = "batch-\(state.nextID)"
      let plot = state.plot(state.created.count, input.rows)
      state.created.append(input.rows)
      var snapshot = BatchSnapshot(id: id, state: .queued)
      snapshot.label = submission.label
      snapshot.inputFileID = fileID
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
        output.append(
          BatchResult(
            customID: row.customID, disposition: .succeeded, response: response(200), usage: usage, message: ""))
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

  public func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot { try await retrieve(batchID) }

  public func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    _ = try begin(.results)
    guard let results = state.withLock({ $0.outputs[fileID] }) else { throw Self.missing(fileID) }
    return ScriptedResults(results)
  }

  public func findBatches(
    label: String, inputFileID: String?, createdAfter: Timestamp
  ) async throws(ProviderError) -> [BatchSnapshot] {
    let lags = try begin(.findBatches)
    return state.withLock { state in
      state.batches.values.map(\.snapshot).filter { snapshot in
        // A list that lags hides a batch once: after the lag that a reconciliation waits it is there.
        snapshot.label == label && !(lags && state.hidden.insert(snapshot.id).inserted)
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

  /// The provider forgets its batches, as after their retention.
  public func forgetBatches() { state.withLock { $0.batches = [:] } }

  private static let cancelled = ProviderError(.cancelled, isAmbiguous: false, message: "cancelled")

  private static func missing(_ id: String) -> ProviderError {
    ProviderError(.notFound, isAmbiguous: false, message: "there is no \(id)")
  }
}
