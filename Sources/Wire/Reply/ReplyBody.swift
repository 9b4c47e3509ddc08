internal import BatchCore

/// The JSON of a reply: a line of an OpenAI output file with one object of ours.
struct ReplyBody {
  let content: ReplyContent
  let customID: String
  /// The publisher's own correlation ID where it could not be used.
  let replacedCorrelationID: [UInt8]?

  /// Deeper than what is accepted in a request, since a paid answer is worth more than a stack of brackets.
  private static let maximumDepth = 1024

  func encode(_ outcome: ReplyContent.Outcome) -> [UInt8] {
    let (response, failure): (ProviderResponse?, Failure?) =
      switch outcome {
      case .succeeded(let response): (response, nil)
      case .failed(let failure, let response): (response, failure)
      }
    var writer = JSONWriter(capacity: 512 + customID.utf8.count + (response?.body.count ?? 0))
    writer.beginObject()
    writer.key("id")
    writer.string(content.ledgerID.text)
    writer.key("custom_id")
    writer.string(customID)
    writer.key("response")
    if let response { write(response, to: &writer) } else { writer.null() }
    writer.key("error")
    if let failure { write(failure, to: &writer) } else { writer.null() }
    writer.key("millrace")
    writeOwn(to: &writer)
    writer.endObject()
    return writer.bytes
  }

  private func write(_ response: ProviderResponse, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("status_code")
    writer.int(response.statusCode)
    writer.key("request_id")
    writer.string(orNull: response.requestID)
    if let document = try? JSONSlice.parse(response.body, maximumDepth: Self.maximumDepth) {
      writer.key("body")
      // Byte for byte, but for a byte order mark, which no document may have inside.
      writer.raw(response.body.first == 0xEF ? document.raw : response.body[...])
    } else {
      writer.key("body_base64")
      writer.string(utf8: Base64.encode(response.body))
    }
    writer.endObject()
  }

  private func write(_ failure: Failure, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("code")
    writer.string(failure.code.rawValue)
    writer.key("message")
    writer.string(failure.message)
    writer.endObject()
  }

  private func writeOwn(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("lane")
    writer.string(orNull: content.lane?.name)
    writer.key("provider")
    writer.string(orNull: content.provider)
    writer.key("model")
    writer.string(orNull: content.model)
    writer.key("batch_id")
    writer.string(orNull: content.batchID)
    writer.key("call_id")
    writer.string(orNull: content.callID)
    writer.key("attempts")
    writer.int(content.attempts)
    writer.key("usage")
    if let usage = content.usage { write(usage, to: &writer) } else { writer.null() }
    writer.key("cost")
    if let cost = content.cost { write(cost, to: &writer) } else { writer.null() }
    writer.key("received_at")
    writer.string(RFC3339.format(content.receivedAt))
    writer.key("completed_at")
    writer.string(RFC3339.format(content.completedAt))
    if content.replayed {
      writer.key("replayed")
      writer.bool(true)
    }
    if let replacedCorrelationID {
      writer.key("correlation_id")
      writer.string(utf8: replacedCorrelationID)
    }
    writer.endObject()
  }

  private func write(_ usage: Usage, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("input_tokens")
    writer.int(usage.inputTokens)
    writer.key("cached_input_tokens")
    writer.int(usage.cachedInputTokens)
    writer.key("output_tokens")
    writer.int(usage.outputTokens)
    writer.endObject()
  }

  private func write(_ cost: ReplyCost, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("usd")
    writer.string(orNull: cost.amount?.dollars)
    writer.key("basis")
    writer.string(cost.basis.name)
    writer.endObject()
  }
}

extension JSONWriter {
  fileprivate mutating func string(orNull text: String?) {
    if let text { string(text) } else { null() }
  }
}
