import BatchCore

/// A provider that is asked for nothing while it wants to be left alone: what would come too early fails at once, as if the
/// provider had said it again. Whoever can wait asks `Holds` before.
struct HeldProvider: Provider {
  let provider: any Provider
  let holds: Holds
  let absence: BatchAbsence

  var name: String { provider.name }
  var account: String { provider.account }
  /// By what the account has said, not only by what its kind usually has.
  var capabilities: ProviderCapabilities {
    absence.holds(for: account) ? provider.capabilities.withoutBatches : provider.capabilities
  }

  func holder(of account: String) -> (any Provider)? {
    provider.holder(of: account).map { HeldProvider(provider: $0, holds: holds, absence: absence) }
  }

  func standIns(for account: String) -> [any Provider] {
    provider.standIns(for: account).map { HeldProvider(provider: $0, holds: holds, absence: absence) }
  }

  func inputSize(
    of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
  ) -> Int64 {
    provider.inputSize(
      of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes, model: model,
      endpoint: endpoint)
  }

  /// Calls have gates of their own.
  func call(_ call: ProviderCall) async -> CallOutcome { await provider.call(call) }

  func upload(_ submission: BatchSubmission, rows: any BatchRows) async throws(ProviderError) -> String {
    try await held(.upload) { () async throws(ProviderError) in try await provider.upload(submission, rows: rows) }
  }

  func create(
    _ submission: BatchSubmission, input: BatchInput, timeout: Duration
  ) async throws(ProviderError) -> BatchSnapshot {
    try await held(.create) { () async throws(ProviderError) in
      try await provider.create(submission, input: input, timeout: timeout)
    }
  }

  func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    try await held(.poll) { () async throws(ProviderError) in try await provider.retrieve(batchID) }
  }

  func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
    try await held(.cancel) { () async throws(ProviderError) in try await provider.cancel(batchID) }
  }

  func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
    try await held(.fetch) { () async throws(ProviderError) in try await provider.results(fileID: fileID) }
  }

  func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
    try await held(.fetch) { () async throws(ProviderError) in
      try await provider.results(fileID: fileID, of: endpoint)
    }
  }

  func objection(to body: RequestBody, endpoint: Endpoint) -> String? {
    provider.objection(to: body, endpoint: endpoint)
  }

  func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
    try await held(.search) { () async throws(ProviderError) in
      try await provider.findBatches(search)
    }
  }

  func findFile(label: String) async throws(ProviderError) -> String? {
    try await held(.search) { () async throws(ProviderError) in try await provider.findFile(label: label) }
  }

  func deleteFile(_ fileID: String) async throws(ProviderError) {
    try await held(.delete) { () async throws(ProviderError) in try await provider.deleteFile(fileID) }
  }

  private func held<Value>(
    _ operation: ProviderOperation, _ body: () async throws(ProviderError) -> Value
  ) async throws(ProviderError) -> Value {
    let isProbe = try holds.begin(operation, at: provider)
    do throws(ProviderError) {
      let value = try await body()
      holds.ended(operation, at: provider, isProbe: isProbe, nil)
      return value
    } catch {
      holds.ended(operation, at: provider, isProbe: isProbe, error)
      if error.reason == .noBatches { absence.learn(of: provider, error) }
      throw error
    }
  }
}
