import Wire

/// A time in which the provider does not serve.
struct Outage: Hashable, Sendable {
  enum Kind: String, CaseIterable, Sendable {
    /// The connection is closed without an answer.
    case refuse
    case unavailable = "503"
    /// Nothing is answered.
    case hang
  }

  enum Scope: String, CaseIterable, Sendable {
    case calls
    case batches
    case all
  }

  /// Milliseconds after the schedule was given.
  var from = 0
  /// `nil` for never.
  var to: Int?
  var kind = Kind.unavailable
  var scope = Scope.all
  /// If set, calls of this model alone.
  var model: String?
  /// Told with a 503.
  var retryAfterMilliseconds: Int?

  init() {}

  init(_ slice: JSONSlice) throws(SimulatorError) {
    var fields = IncidentFields(slice, of: "outage")
    from = try fields.number("from_ms") ?? 0
    to = try fields.number("to_ms")
    kind = try fields.choice("kind") ?? .unavailable
    scope = try fields.choice("scope") ?? .all
    model = try fields.text("model")
    retryAfterMilliseconds = try fields.number("retry_after_ms")
    try fields.finish()
  }

  /// - Parameters:
  ///   - model: Of a synchronous call.
  ///   - elapsed: Milliseconds since the schedule was given.
  func hits(_ kind: CallKind, model: String?, elapsed: Int) -> Bool {
    guard elapsed >= from, to.map({ elapsed < $0 }) ?? true else { return false }
    if let wanted = self.model { return scope != .batches && kind == .call && model == wanted }
    return switch scope {
    case .calls: kind == .call
    case .batches: kind != .call
    case .all: true
    }
  }

  func write(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("from_ms", from)
    writer.key("to_ms")
    writer.int(orNull: to)
    writer.field("kind", kind.rawValue)
    writer.field("scope", scope.rawValue)
    writer.key("model")
    writer.string(orNull: model)
    writer.key("retry_after_ms")
    writer.int(orNull: retryAfterMilliseconds)
    writer.endObject()
  }
}

extension APIError {
  static func outage(retryAfterMilliseconds: Int?) -> APIError {
    APIError(
      status: 503, message: "The service is unavailable (outage of the simulator).", type: "service_unavailable_error",
      retryAfterMilliseconds: retryAfterMilliseconds, reason: "outage_503")
  }
}
