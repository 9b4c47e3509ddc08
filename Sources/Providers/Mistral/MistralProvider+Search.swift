public import BatchCore
import Wire

extension MistralProvider {
  /// How far a provider's clock may be behind ours.
  private static let clockSlack = Duration.seconds(900)
  private static let largestListing = 32 << 20
  private static let maximumPages = 500
  private static let pageSize = 100

  /// The jobs that carry the label in their metadata, or that have the input file, newest first.
  /// - Throws: also when the list was too long to be read back that far; nothing found then means nothing.
  public func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
    let oldest = search.createdAfter + (.zero - Self.clockSlack)
    let after = ProviderText.pathSegment(RFC3339.format(oldest))
    var found: [BatchSnapshot] = []
    try await readPages(
      "search for batch \(search.label)", "\(Self.jobs)?order_by=-created&created_after=\(after)"
    ) { page in
      var newest: Timestamp?
      for job in page.lazy.compactMap(MistralJob.snapshot) {
        let isOurs =
          job.label == search.label || (search.inputFileID != nil && job.inputFileID == search.inputFileID)
        if isOurs, !found.contains(where: { $0.id == job.id }) { found.append(job) }
        // Without a time it may be of any age.
        newest = max(newest ?? Timestamp(milliseconds: .min), job.createdAt ?? Timestamp(milliseconds: .max))
      }
      return newest.map { $0 >= oldest } ?? true
    }
    return found
  }

  /// The id of an input file that is named after the label.
  public func findFile(label: String) async throws(ProviderError) -> String? {
    let filename = label + ".jsonl"
    let path = "/v1/files?purpose=batch&search=\(ProviderText.pathSegment(label))"
    var found: String?
    try await readPages("search for file \(filename)", path) { page in
      found = page.lazy.filter { $0["filename"]?.string == filename }.compactMap { $0["id"]?.string }.first
      return found == nil
    }
    return found
  }

  /// Reads a list page by page until `visit` has seen enough.
  private func readPages(
    _ what: String, _ path: String, visit: ([JSONSlice]) -> Bool
  ) async throws(ProviderError) {
    var seen: Int64 = 0
    for number in 0..<Self.maximumPages {
      let request = makeRequest(
        "GET", "\(path)&page=\(number)&page_size=\(Self.pageSize)",
        limits: operationLimits(maximumResponseBytes: Self.largestListing))
      let response = try await perform(what, request, isWrite: false)
      guard let body = try? JSONSlice.parse(response.body), let page = Self.list(body) else {
        throw invalidResponse(what, "the answer is no list", isWrite: false)
      }
      seen += Int64(page.count)
      // Without a total the list ends with a page that has nothing.
      guard !page.isEmpty, visit(page), body["total"]?.int64.map({ seen < $0 }) ?? true else { return }
    }
    throw invalidResponse(what, "the list has more than \(Self.maximumPages) pages", isWrite: false)
  }

  /// A list of nothing may leave its elements out.
  private static func list(_ body: JSONSlice) -> [JSONSlice]? {
    guard body.kind == .object else { return nil }
    guard let data = body["data"], !data.isNull else { return body["total"]?.int64 == 0 ? [] : nil }
    return data.kind == .array ? Array(data.elements) : nil
  }
}
