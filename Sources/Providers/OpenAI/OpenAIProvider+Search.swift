public import BatchCore
import Wire

extension OpenAIProvider {
  /// How far a provider's clock may be behind ours.
  private static let clockSlack = Duration.seconds(900)
  private static let largestListing = 32 << 20
  private static let maximumPages = 500

  /// How many input files of batches without metadata are looked into: of the newest.
  private static let mostFilesReadInto = 50

  /// The batches that carry the label, newest first as the provider lists them: in their metadata or, where a server drops
  /// that, by their input file's id, its name or the custom ids in it.
  /// - Throws: also when the list was too long to be read back that far; nothing found then means nothing.
  public func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
    let (label, inputFileID) = (search.label, search.inputFileID)
    let oldest = search.createdAfter + (.zero - Self.clockSlack)
    var found: [BatchSnapshot] = []
    var unlabelled: [BatchSnapshot] = []
    try await readPages("search for batch \(label)", "/batches?limit=100", configuration.dialect.shape) { page in
      var newest: Timestamp?
      for snapshot in page.lazy.compactMap(configuration.dialect.shape.snapshot) {
        if snapshot.label == label || (inputFileID != nil && snapshot.inputFileID == inputFileID) {
          if !found.contains(where: { $0.id == snapshot.id }) { found.append(snapshot) }
        } else if snapshot.label == nil, snapshot.inputFileID != nil, snapshot.createdAt.map({ $0 >= oldest }) ?? true {
          unlabelled.append(snapshot)
        }
        // Without a time it may be of any age.
        newest = max(newest ?? Timestamp(milliseconds: .min), snapshot.createdAt ?? Timestamp(milliseconds: .max))
      }
      // The order within a page is not trusted; that later pages are older is.
      return newest.map { $0 >= oldest } ?? true
    }
    return found.isEmpty && !unlabelled.isEmpty ? try await among(unlabelled, label: label) : found
  }

  /// Those whose input file has our name, or our custom ids where the server is not known to keep metadata.
  private func among(_ batches: [BatchSnapshot], label: String) async throws(ProviderError) -> [BatchSnapshot] {
    var names: [String] = []
    do {
      names = try await findFiles(label: label)
    } catch {
      // A server that lists no files still shows what is in them.
      guard !configuration.dialect.keepsLabels, error.reason.isRefusal else { throw error }
    }
    let named = batches.filter { batch in batch.inputFileID.map(names.contains) ?? false }
    if !named.isEmpty || configuration.dialect.keepsLabels { return named }
    var found: [BatchSnapshot] = []
    for batch in batches.prefix(Self.mostFilesReadInto) {
      guard let file = batch.inputFileID, try await firstCustomID(of: file, startsWith: label + "_") else { continue }
      if !found.contains(where: { $0.id == batch.id }) { found.append(batch) }
    }
    return found
  }

  /// The id of the newest input file that is named after the label.
  public func findFile(label: String) async throws(ProviderError) -> String? { try await findFiles(label: label).first }

  private func findFiles(label: String) async throws(ProviderError) -> [String] {
    var found: [String] = []
    let filename = label + ".jsonl"
    let path = "/files?purpose=\(ProviderText.pathSegment(configuration.dialect.purpose))&order=desc&limit=1000"
    try await readPages("search for file \(filename)", path, StandardShape()) { page in
      found = page.lazy.filter { $0["filename"]?.string == filename }.compactMap { $0["id"]?.string }
      return found.isEmpty
    }
    return found
  }

  /// Reads a list page by page until `visit` has seen enough.
  private func readPages(
    _ what: String, _ path: String, _ shape: any BatchShape, visit: ([JSONSlice]) -> Bool
  ) async throws(ProviderError) {
    var cursor = ""
    for _ in 0..<Self.maximumPages {
      let request = makeRequest(
        "GET", path + cursor, limits: operationLimits(maximumResponseBytes: Self.largestListing))
      let response = try await perform(what, request, isWrite: false)
      guard let body = try? JSONSlice.parse(response.body),
        let list = shape.list(body), list.kind == .array
      else { throw invalidResponse(what, "the answer is no list", isWrite: false) }
      let page = Array(list.elements)
      guard visit(page) else { return }
      let following: String?
      do {
        following = try shape.nextPage(body, page)
      } catch {
        throw invalidResponse(what, "the list has more, but does not say where", isWrite: false)
      }
      guard let following else { return }
      guard following != cursor else {
        throw invalidResponse(what, "the list has more, but does not say where", isWrite: false)
      }
      cursor = following
    }
    throw invalidResponse(what, "the list has more than \(Self.maximumPages) pages", isWrite: false)
  }
}

extension ProviderError.Reason {
  /// Whether the server does not have what was asked for, and trying again would not help.
  fileprivate var isRefusal: Bool {
    switch self {
    case .rejected, .notFound, .noBatches: true
    case .rateLimited, .accountClosed, .storageFull, .unavailable, .invalidResponse, .cancelled: false
    }
  }
}
