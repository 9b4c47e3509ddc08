import Wire

/// What a provider says with a refusal, as far as it says anything.
struct ErrorBody: Hashable, Sendable {
  var type: String?
  var code: String?
  var message: String

  init(type: String?, code: String?, message: String) {
    self.type = type
    self.code = code
    self.message = message
  }

  init?(body: [UInt8]) {
    guard let slice = try? JSONSlice.parse(body, maximumDepth: JSONDepth.answers) else { return nil }
    self.init(slice)
  }

  /// From a whole body: `{"error": …}` in its variants, also as the only element of an array, `{"detail": …}`, or what
  /// stands in an error without one around it.
  init?(_ body: JSONSlice) {
    let body = body.kind == .array ? body.elements.first { _ in true } ?? body : body
    guard body.kind == .object else { return nil }
    if let error = body["error"], let parsed = ErrorBody(error: error) {
      self = parsed
    } else if let detail = body["detail"], let parsed = ErrorBody(detail: detail) {
      self = parsed
    } else if let message = body["message"], let parsed = ErrorBody(detail: message["detail"] ?? message) {
      let code = body["code"].flatMap { $0.string ?? $0.int64.map { String($0) } }
      self.init(type: body["type"]?.string ?? parsed.type, code: code, message: parsed.message)
    } else {
      return nil
    }
  }

  /// From a text, or from what a validation found: `[{"loc": ["body", "n"], "msg": …, "type": …}]`.
  private init?(detail: JSONSlice) {
    if let text = detail.string {
      self.init(type: nil, code: nil, message: text)
      return
    }
    guard let first = detail.elements.first(where: { _ in true }), let text = first["msg"]?.string else { return nil }
    let place = first["loc"]?.elements.compactMap { $0.string ?? $0.int64.map { String($0) } } ?? []
    self.init(
      type: first["type"]?.string, code: nil, message: (place.isEmpty ? "" : place.joined(separator: ".") + ": ") + text
    )
  }

  /// From the value of `error`: an object or a bare text; `null` and an empty object are no error.
  init?(error: JSONSlice) {
    switch error.kind {
    case .string:
      guard let text = error.string, !text.isEmpty else { return nil }
      self.init(type: nil, code: nil, message: text)
    case .object:
      let status = error["status"]?.string.flatMap { GoogleStatus(rawValue: $0) }
      // Some give the status as the code. Google's has a name beside it, which says more.
      let code =
        error["code"].flatMap { $0.string ?? (status == nil ? $0.int64.map { String($0) } : nil) }
        ?? error["details"]?["error_code"]?.string ?? GoogleDetails(error).reason
      let type = error["type"]?.string ?? status?.rawValue
      let message = error["message"]?.string
      if code == nil, type == nil, message == nil { return nil }
      self.init(type: type, code: code, message: message ?? "")
    case .array, .number, .bool, .null:
      return nil
    }
  }

  /// Code, else type.
  var label: String? {
    if let code, !code.isEmpty { return code }
    return type.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Whether it is about something that is not there. Some say so with a status of success, of a batch that they have
  /// forgotten.
  var saysNotFound: Bool { names.contains { Self.missing.contains($0) } }

  /// Not of a model or a project: that says nothing of the batch.
  private static let missing: Set<String> = [
    "404", "not_found", "notfound", "not_found_error", "batch_not_found", "resource_not_found",
  ]

  /// Code and type in lower case, to be compared.
  var names: [String] { [code, type].compactMap { $0?.lowercased() } }
}
