import Wire

/// One line of an output or error file.
struct ResultLine: Sendable {
  /// 24 letters and digits; the line's and the response's own ids are made of it.
  var id: String
  /// As a JSON string, quotes included.
  var customID: ArraySlice<UInt8>
  /// Whether it is one of Anthropic's.
  var isMessages = false
  /// Whether it is one of Gemini's.
  var isGemini = false
  /// What Mistral's lines are like; nil for others.
  var mistral: Behaviour?

  func response(status: Int, body: [UInt8], _ isAnonymous: Bool = false) -> [UInt8] {
    if isMessages {
      return result("succeeded") { writer in
        writer.key("message")
        writer.raw(body)
      }
    }
    if isGemini { return gemini("response") { $0.raw(body) } }
    return line(isAnonymous: isAnonymous) { writer in
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

  /// The provider has no proxies before its own rows: an error of a row is always JSON.
  func refused(_ error: APIError) -> [UInt8] {
    var error = error
    error.html = nil
    if isMessages {
      return result("errored") { writer in
        writer.key("error")
        error.writeAnthropic(requestID: "req_" + id, into: &writer)
      }
    }
    if isGemini { return gemini("error") { error.writeGeminiRow(into: &$0) } }
    if let mistral {
      let error = error.asMistral
      return response(status: error.status, body: error.mistralBody(requestID: id), mistral.mistralAnonymousErrors)
    }
    return response(status: error.status, body: error.body)
  }

  /// Nil where nothing is said of rows that were not run.
  func skipped(_ skip: RowRunner.Skip) -> [UInt8]? {
    if mistral?.mistralSilentSkips ?? false { return nil }
    if isMessages { return result(skip == .expired ? "expired" : "canceled") { _ in } }
    // Of a request that ran out of time it is said so; one that was cancelled has the code of that.
    if isGemini {
      return refused(APIError(status: skip == .expired ? 504 : 499, message: skip.message, reason: skip.rawValue))
    }
    return error(code: skip.rawValue, message: skip.message)
  }

  func error(code: String, message: String) -> [UInt8] {
    if isMessages { return refused(APIError(status: 500, message: message, reason: code)) }
    // Single rows are cancelled while the others succeed.
    if isGemini { return refused(APIError(status: 499, message: message, reason: code)) }
    return line(isAnonymous: mistral?.mistralAnonymousErrors ?? false) { writer in
      writer.key("response")
      writer.null()
      writer.key("error")
      writer.beginObject()
      writer.field("code", code)
      writer.field("message", message)
      writer.endObject()
    }
  }

  private func result(_ type: String, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.key("custom_id")
    writer.raw(customID)
    writer.key("result")
    writer.beginObject()
    writer.field("type", type)
    write(&writer)
    writer.endObject()
    writer.endObject()
    return writer.bytes
  }

  private func gemini(_ member: String, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.key("key")
    writer.raw(customID)
    writer.key(member)
    write(&writer)
    writer.endObject()
    return writer.bytes
  }

  private func line(isAnonymous: Bool, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    writer.beginObject()
    writer.field("id", "batch_req_" + id)
    if !isAnonymous {
      writer.key("custom_id")
      writer.raw(customID)
    }
    write(&writer)
    writer.endObject()
    return writer.bytes
  }
}
