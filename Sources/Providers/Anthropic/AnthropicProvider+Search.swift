public import BatchCore
import Wire

extension AnthropicProvider {
  /// How far a provider's clock may be behind ours.
  private static let clockSlack = Duration.seconds(900)
  private static let largestListing = 32 << 20
  private static let maximumPages = 500

  /// The batch whose custom ids begin with the label. A batch has no name: those made since the intent with as many rows
  /// may be it, and the first line of its results tells.
  /// - Throws: also while one of them still runs: it may be ours, and nothing else may be made before that is known.
  public func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
    let what = "search for batch \(search.label)"
    var found: [BatchSnapshot] = []
    var undecided: [String] = []
    for candidate in try await candidates(search, what) {
      guard candidate.state.isTerminal else {
        undecided.append(candidate.id)
        continue
      }
      guard let results = candidate.outputFileID else {
        // Ended, and its results are not there yet.
        undecided.append(candidate.id)
        continue
      }
      if try await firstCustomID(of: results)?.hasPrefix(search.label + "_") ?? false { found.append(candidate) }
    }
    if found.isEmpty, let first = undecided.first {
      throw ProviderError(
        .unavailable(retryAfter: nil), isAmbiguous: false,
        message: "\(name): \(what): batch \(text(first)) has as many requests and still runs; its results will tell "
          + "whether it is the one")
    }
    return found
  }

  /// Batches made since the intent that have as many rows and are not known to be others.
  private func candidates(_ search: BatchSearch, _ what: String) async throws(ProviderError) -> [BatchSnapshot] {
    let oldest = search.createdAfter + (.zero - Self.clockSlack)
    var found: [BatchSnapshot] = []
    var after: String?
    for _ in 0..<Self.maximumPages {
      let cursor = after.map { "&after_id=" + ProviderText.pathSegment($0) } ?? ""
      let request = makeRequest(
        "GET", "/v1/messages/batches?limit=100" + cursor,
        limits: operationLimits(maximumResponseBytes: Self.largestListing))
      let response = try await perform(what, request, isWrite: false)
      guard let body = try? JSONSlice.parse(response.body), let list = body["data"], list.kind == .array else {
        throw invalidResponse(what, "the answer is no list", isWrite: false)
      }
      var newest: Timestamp?
      var last: String?
      for batch in list.elements.compactMap(MessageBatchSnapshot.snapshot) {
        last = batch.id
        // Without a time it may be of any age, without counts of any size.
        let created = batch.createdAt ?? Timestamp(milliseconds: .max)
        newest = max(newest ?? created, created)
        if created >= oldest, batch.counts.map({ $0.total == search.rowCount }) ?? true,
          !search.otherBatches.contains(batch.id), !found.contains(where: { $0.id == batch.id })
        {
          found.append(batch)
        }
      }
      guard newest.map({ $0 >= oldest }) ?? false, body["has_more"]?.bool == true else { return found }
      let next = body["last_id"]?.string ?? last
      guard let next, next != after else {
        throw invalidResponse(what, "the list has more, but does not say where", isWrite: false)
      }
      after = next
    }
    throw invalidResponse(what, "the list has more than \(Self.maximumPages) pages", isWrite: false)
  }

  /// Of the first line of the results that can be read.
  private func firstCustomID(of batchID: String) async throws(ProviderError) -> String? {
    let what = "results of batch \(text(batchID))"
    let body = try await openBody(what, Self.path(batchID) + "/results")
    var splitter = JSONLineSplitter(maximumLineBytes: maximumResponseBytes)
    do throws(HTTPExchange.Failure) {
      while let chunk = try await body.next() {
        let lines: [[UInt8]]
        do { lines = try splitter.append(chunk) } catch { lines = error.lines }
        for line in lines {
          if let id = (try? JSONSlice.parse(line, maximumDepth: JSONDepth.answers))?["custom_id"]?.string { return id }
        }
      }
    } catch {
      throw providerError(what, error, isWrite: false)
    }
    return splitter.finish().flatMap { try? JSONSlice.parse($0, maximumDepth: JSONDepth.answers) }?["custom_id"]?.string
  }
}
