import Wire

/// One line of an output or error file.
struct ResultLine: Sendable {
  /// 24 letters and digits; the line's and the response's own ids are made of it.
  var id: String
  /// As a JSON string, quotes included.
  var customID: ArraySlice<UInt8>

  func response(status: Int, body: [UInt8]) -> [UInt8] {
    line { writer in
      writer.key("response")
      writer.beginObject()
      writer.field("status_code", status)
      writer.field("request_id", "req_" + id)
      writer.key("body")
      writer.raw(body)
      writer.endObject()
      writer.key("error")
      writer.null()
    }
  }

  func error(code: String, message: String) -> [UInt8] {
    line { writer in
      writer.key("response")
      writer.null()
      writer.key("error")
      writer.beginObject()
      writer.field("code", code)
      writer.field("message", message)
      writer.endObject()
    }
  }

  private func line(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.field("id", "batch_req_" + id)
    writer.key("custom_id")
    writer.raw(customID)
    write(&writer)
    writer.endObject()
    return writer.bytes
  }
}
