internal import BatchCore

/// Makes the body that is kept and sent from the body that came: `stream` and `stream_options` removed, on one line for
/// every reader. Nothing else changes, and where nothing has to, the bytes are only copied.
enum ProviderBody {
  static func make(_ body: JSONSlice, _ fields: BodyFields) throws(Failure) -> RequestBody {
    if !fields.hasStream && body.traits.isEmpty, let model = fields.model {
      let start = body.range.lowerBound
      let isWhole = body.range.count == body.document.count
      return RequestBody(
        bytes: isWhole ? body.document : Array(body.raw),
        modelRange: model.range.lowerBound - start..<model.range.upperBound - start)
    }
    var edits = JSONEdits()
    if fields.hasStream {
      edits.removeMembers(of: body) { ["stream", "stream_options"].contains($0.key) }
    }
    var bytes = edits.apply(to: body)
    if !body.traits.isEmpty { bytes = SingleLine.rewrite(bytes) }
    // The edits keep a valid document valid, and no deeper than it was.
    guard let final = try? JSONSlice.parse(bytes, maximumDepth: .max), let model = final["model"] else {
      throw Failure(.invalidJSON, "the body could not be put on one line")
    }
    return RequestBody(bytes: bytes, modelRange: model.range)
  }
}
