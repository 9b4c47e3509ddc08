import BatchCore
import Wire

/// What is said of a batch, and how. The defaults are OpenAI's; an override says only what differs.
protocol BatchShape: Sendable {
  /// The body of a create.
  func create(_ batch: NewBatch) -> [UInt8]
  /// Reads a batch; nil if it has no id.
  func snapshot(_ body: JSONSlice) -> BatchSnapshot?
  /// Below the base URL.
  func cancelPath(_ batchID: String) -> String
  /// The list in the body of a page.
  func list(_ body: JSONSlice) -> JSONSlice?
  /// What is added to the query for the next page; nil after the last.
  func nextPage(_ body: JSONSlice, _ page: [JSONSlice]) throws(PageError) -> String?
  /// Where results do not lie in files: what gives those of this output file's id.
  func results(_ fileID: String, of provider: OpenAIProvider) -> (any BatchResultSource)?
  /// Whether there is no such file to delete.
  func isNoFile(_ fileID: String) -> Bool
}

/// What a create says.
struct NewBatch {
  var fileID: String
  var path: String
  var window: String
  var label: String
  var keepsMetadata: Bool
}

/// A list says that it has more, but not where.
struct PageError: Error {}

struct StandardShape: BatchShape {}

extension BatchShape {
  func create(_ batch: NewBatch) -> [UInt8] {
    var body = JSONWriter()
    body.beginObject()
    body.key("input_file_id")
    body.string(batch.fileID)
    body.key("endpoint")
    body.string(batch.path)
    body.key("completion_window")
    body.string(batch.window)
    if batch.keepsMetadata {
      body.key("metadata")
      body.beginObject()
      body.key(OpenAIProvider.labelKey)
      body.string(batch.label)
      body.endObject()
    }
    body.endObject()
    return body.bytes
  }

  /// Together's create wraps the batch.
  func snapshot(_ body: JSONSlice) -> BatchSnapshot? {
    SnapshotParser.snapshot(body) ?? body["job"].flatMap(SnapshotParser.snapshot)
  }

  func cancelPath(_ batchID: String) -> String { "/batches/\(ProviderText.pathSegment(batchID))/cancel" }

  func list(_ body: JSONSlice) -> JSONSlice? { body.kind == .array ? body : body["data"] }

  func nextPage(_ body: JSONSlice, _ page: [JSONSlice]) throws(PageError) -> String? {
    guard body["has_more"]?.bool == true else { return nil }
    guard let last = body["last_id"]?.string ?? page.last?["id"]?.string else { throw PageError() }
    return "&after=" + ProviderText.pathSegment(last)
  }

  func results(_ fileID: String, of provider: OpenAIProvider) -> (any BatchResultSource)? { nil }
  func isNoFile(_ fileID: String) -> Bool { false }
}
