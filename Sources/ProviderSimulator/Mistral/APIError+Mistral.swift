import Wire

extension APIError {
  /// The refusal with Mistral's status and code.
  var asMistral: APIError {
    var error = self
    switch (status, reason) {
    case (_, "model_not_found"):
      (error.status, error.type, error.code) = (400, "invalid_model", "1500")
    case (429, _): (error.type, error.code) = ("rate_limited", "1300")
    case (400, _) where code == "missing_required_parameter": (error.status, error.type) = (422, "missing")
    default: break
    }
    return error
  }

  /// The refusal as Mistral words it, which has more than one way.
  func mistralBody(requestID: String) -> [UInt8] {
    if let html { return Array(html.utf8) }
    var writer = JSONWriter(capacity: 200)
    writer.beginObject()
    switch status {
    case 401:
      writer.field("message", "Unauthorized")
      writer.field("request_id", requestID)
    case 404: writer.field("detail", message)
    case 422: writeDetail(into: &writer)
    default:
      writer.field("object", "error")
      writer.field("message", message)
      writer.field("type", type)
      writer.key("param")
      writer.string(orNull: param)
      writer.key("code")
      writer.string(orNull: code)
      writer.field("raw_status_code", status)
    }
    writer.endObject()
    return writer.bytes
  }

  private func writeDetail(into writer: inout JSONWriter) {
    writer.key("detail")
    writer.beginArray()
    writer.beginObject()
    writer.field("type", type)
    writer.key("loc")
    writer.beginArray()
    writer.string("body")
    for part in (param ?? "").split(separator: ".").map(String.init) {
      if let index = Int(part) { writer.int(index) } else { writer.string(part) }
    }
    writer.endArray()
    writer.field("msg", message)
    writer.key("input")
    writer.null()
    writer.endObject()
    writer.endArray()
  }

  /// What a validation of a body finds at a path such as `messages.0.role`.
  static func mistral(_ path: String, _ message: String, _ type: String) -> APIError {
    APIError(status: 422, message: message, type: type, param: path, reason: "invalid_request")
  }
}
