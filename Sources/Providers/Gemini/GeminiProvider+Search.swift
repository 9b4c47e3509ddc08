public import BatchCore
import Wire

extension GeminiProvider {
  private static let largestListing = 32 << 20
  private static let maximumPages = 500

  /// The batches that are named as the label. The list has no documented order, so it is read to its end.
  /// - Throws: also when the list was too long for that; nothing found then means nothing.
  public func findBatches(_ search: BatchSearch) async throws(ProviderError) -> [BatchSnapshot] {
    var found: [BatchSnapshot] = []
    try await readPages("search for batch \(search.label)", "batches", "operations") { operation in
      guard let snapshot = GeminiSnapshot.snapshot(operation), snapshot.label == search.label,
        !found.contains(where: { $0.id == snapshot.id })
      else { return }
      found.append(snapshot)
    }
    return found
  }

  /// The newest input file that is named as the label.
  public func findFile(label: String) async throws(ProviderError) -> String? {
    var newest: (id: String, createdAt: Timestamp)?
    try await readPages("search for file \(label)", "files", "files") { file in
      guard file["displayName"]?.string == label, let id = file["name"]?.string, !id.isEmpty else { return }
      let createdAt = file["createTime"].flatMap(ProviderTime.timestamp) ?? Timestamp(milliseconds: 0)
      if newest.map({ createdAt > $0.createdAt }) ?? true { newest = (id, createdAt) }
    }
    return newest?.id
  }

  /// Shows `visit` every element of a list.
  private func readPages(
    _ what: String, _ collection: String, _ member: String, visit: (JSONSlice) -> Void
  ) async throws(ProviderError) {
    var token = ""
    for _ in 0..<Self.maximumPages {
      let cursor = token.isEmpty ? "" : "&pageToken=" + ProviderText.pathSegment(token)
      let request = makeRequest(
        "GET", versioned("\(collection)?pageSize=100\(cursor)"),
        limits: operationLimits(maximumResponseBytes: Self.largestListing))
      let response = try await perform(what, request, isWrite: false)
      guard let body = try? JSONSlice.parse(response.body, maximumDepth: JSONDepth.answers), body.kind == .object,
        body[member]?.kind ?? .array == .array
      else { throw invalidResponse(what, "the answer is no list", isWrite: false) }
      // An empty list is left out.
      body[member]?.elements.forEach(visit)
      guard let next = body["nextPageToken"]?.string, !next.isEmpty else { return }
      guard next != token else {
        throw invalidResponse(what, "the list has more, but does not say where", isWrite: false)
      }
      token = next
    }
    throw invalidResponse(what, "the list has more than \(Self.maximumPages) pages", isWrite: false)
  }
}
