import Wire

/// An order to refuse the next calls of a kind.
struct RefusalOrder: Hashable, Sendable {
  var kind = CallKind.call
  /// How many calls are still to be refused.
  var count = 1
  var status = 429
  var code: String?
  var retryAfterMilliseconds: Int?
  /// `nil` for that of all refusals.
  var style: RetryAfterStyle?
  /// If set, calls of this model alone.
  var model: String?

  init() {}

  init(_ slice: JSONSlice) throws(SimulatorError) {
    var fields = IncidentFields(slice, of: "orders")
    guard let kind: CallKind = try fields.choice("kind") else { throw SimulatorError("an order needs a kind") }
    self.kind = kind
    count = try fields.number("n") ?? 1
    status = try fields.number("status") ?? 429
    guard (400...599).contains(status) else { throw SimulatorError("status of orders must be from 400 to 599") }
    code = try fields.text("code")
    retryAfterMilliseconds = try fields.number("retry_after_ms")
    style = try fields.choice("style")
    model = try fields.text("model")
    try fields.finish()
  }

  func write(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("kind", kind.rawValue)
    writer.field("n", count)
    writer.field("status", status)
    writer.key("code")
    writer.string(orNull: code)
    writer.key("retry_after_ms")
    writer.int(orNull: retryAfterMilliseconds)
    writer.key("style")
    writer.string(orNull: style?.rawValue)
    writer.key("model")
    writer.string(orNull: model)
    writer.endObject()
  }

  /// How a call is refused by it.
  var error: APIError {
    var error = APIError.transient(status, retryAfterMilliseconds: retryAfterMilliseconds)
    error.html = nil
    error.message = "Status \(status) (ordered of the simulator)."
    error.retryAfterMilliseconds = retryAfterMilliseconds
    error.retryAfterStyle = style
    error.reason = "ordered_\(status)"
    if let code { error.code = code }
    return error
  }
}

extension [RefusalOrder] {
  /// The refusal of a call, if one is ordered; it counts as done.
  mutating func take(_ kind: CallKind, model: String?) -> APIError? {
    guard
      let index = firstIndex(where: {
        $0.kind == kind && $0.count > 0 && ($0.model == nil || $0.model == model)
      })
    else { return nil }
    self[index].count -= 1
    defer { if self[index].count == 0 { remove(at: index) } }
    return self[index].error
  }
}
