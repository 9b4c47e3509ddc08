#if FAILPOINTS
  import BatchCore
  import Threading
  import Worker

  /// A provider with a failpoint before and after each call that goes over the network.
  struct FailpointProvider: Provider {
    let provider: any Provider

    var name: String { provider.name }
    var account: String { provider.account }
    var capabilities: ProviderCapabilities { provider.capabilities }

    func holder(of account: String) -> (any Provider)? {
      provider.holder(of: account).map { FailpointProvider(provider: $0) }
    }

    func standIns(for account: String) -> [any Provider] {
      provider.standIns(for: account).map { FailpointProvider(provider: $0) }
    }

    func inputSize(
      of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: String, endpoint: Endpoint
    ) -> Int64 {
      provider.inputSize(
        of: rows, customIDBytes: customIDBytes, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes, model: model,
        endpoint: endpoint)
    }

    func call(_ call: ProviderCall) async -> CallOutcome {
      Failpoint.call.before()
      let outcome = await provider.call(call)
      Failpoint.call.after()
      return outcome
    }

    func upload(_ submission: BatchSubmission, rows: any BatchRows) async throws(ProviderError) -> String {
      try await around(.upload) { () async throws(ProviderError) in
        try await provider.upload(submission, rows: rows)
      }
    }

    func create(
      _ submission: BatchSubmission, input: BatchInput, timeout: Duration
    ) async throws(ProviderError) -> BatchSnapshot {
      try await around(.create) { () async throws(ProviderError) in
        try await provider.create(submission, input: input, timeout: timeout)
      }
    }

    func retrieve(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
      try await around(.poll) { () async throws(ProviderError) in try await provider.retrieve(batchID) }
    }

    func cancel(_ batchID: String) async throws(ProviderError) -> BatchSnapshot {
      try await around(.cancelBatch) { () async throws(ProviderError) in try await provider.cancel(batchID) }
    }

    func results(fileID: String) async throws(ProviderError) -> any BatchResultSource {
      Failpoint.fetch.before()
      return FailpointResults(results: try await provider.results(fileID: fileID))
    }

    func results(fileID: String, of endpoint: Endpoint) async throws(ProviderError) -> any BatchResultSource {
      Failpoint.fetch.before()
      return FailpointResults(results: try await provider.results(fileID: fileID, of: endpoint))
    }

    func objection(to body: RequestBody, endpoint: Endpoint) -> String? {
      provider.objection(to: body, endpoint: endpoint)
    }

    func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
      try await around(.find) { () async throws(ProviderError) in
        try await provider.findBatches(search)
      }
    }

    func findFile(label: String) async throws(ProviderError) -> String? {
      try await provider.findFile(label: label)
    }

    func deleteFile(_ fileID: String) async throws(ProviderError) {
      try await around(.deleteFile) { () async throws(ProviderError) in try await provider.deleteFile(fileID) }
    }

    private func around<Value>(
      _ point: Failpoint, _ operation: () async throws(ProviderError) -> Value
    ) async throws(ProviderError) -> Value {
      point.before()
      let value = try await operation()
      point.after()
      return value
    }
  }

  /// A result file with a failpoint after each part that was read.
  private struct FailpointResults: BatchResultSource {
    let results: any BatchResultSource

    func next() async throws(ProviderError) -> [BatchResult]? {
      let part = try await results.next()
      if part != nil { Failpoint.fetch.after() }
      return part
    }

    var unreadableLines: Int { results.unreadableLines }
  }
#endif
