import Hummingbird
import Wire

/// What servers that speak like OpenAI do in other shapes.
extension SimulatorResponder {
  /// A batch that was created.
  func created(_ batch: BatchRecord, _ behaviour: Behaviour) -> [UInt8] {
    Self.object { writer in
      guard batch.dialect == .together else { return batch.write(into: &writer, behaviour: behaviour) }
      writer.beginObject()
      writer.key("job")
      batch.write(into: &writer, behaviour: behaviour)
      writer.key("warning")
      writer.null()
      writer.endObject()
    }
  }

  /// A page of batches.
  func list(
    _ page: [(BatchRecord, hidesFiles: Bool)], hasMore: Bool, _ dialect: Dialect, _ behaviour: Behaviour
  ) -> [UInt8] {
    func write(into writer: inout JSONWriter) {
      for (batch, hidesFiles) in page { batch.write(into: &writer, behaviour: behaviour, hidesFiles: hidesFiles) }
    }
    switch dialect {
    case .together:
      return Self.object { writer in
        writer.beginArray()
        write(into: &writer)
        writer.endArray()
      }
    case .xai:
      return Self.object { writer in
        writer.beginObject()
        writer.key("batches")
        writer.beginArray()
        write(into: &writer)
        writer.endArray()
        writer.key("pagination_token")
        writer.string(orNull: hasMore ? page.last?.0.id : nil)
        writer.endObject()
      }
    default:
      return Self.list(ids: (page.first?.0.id, page.last?.0.id), hasMore: hasMore) { write(into: &$0) }
    }
  }

  /// A page of xAI's results; the token is how many came before.
  func batchResults(_ id: String, _ query: Query, _ caller: Credentials.Caller) async throws -> Response {
    guard let (batch, _) = catalog.look(at: id, project: caller.project), batch.dialect == .xai else {
      throw APIError.notFound("No batch found with id '\(id)'.")
    }
    let limit = try query.number("limit", 1...1000, default: 100)
    let start = query["pagination_token"].flatMap { Int($0) } ?? 0
    var lines: [[UInt8]] = []
    for file in [batch.outputFileID, batch.errorFileID] {
      guard let file else { continue }
      lines += try await content(file).split(separator: 0x0A).map(Array.init)
    }
    let page = lines.dropFirst(max(0, start)).prefix(limit)
    counters.count("results.pages")
    return Reply.json(
      Self.object { writer in
        writer.beginObject()
        writer.key("results")
        writer.beginArray()
        for line in page { Self.writeResult(line, into: &writer) }
        writer.endArray()
        writer.key("pagination_token")
        writer.string(orNull: start + page.count < lines.count ? String(start + page.count) : nil)
        writer.endObject()
      })
  }

  private func content(_ id: String) async throws -> [UInt8] {
    guard let descriptor = await disk.openForReading(disk.path(of: id)) else { return [] }
    var bytes: [UInt8] = []
    while true {
      let chunk: [UInt8]
      do {
        chunk = try await disk.read(descriptor, at: bytes.count, count: 1 << 20)
      } catch {
        await disk.closeReading(descriptor)
        throw error
      }
      if chunk.isEmpty { break }
      bytes += chunk
    }
    await disk.closeReading(descriptor)
    return bytes
  }

  private static func writeResult(_ line: [UInt8], into writer: inout JSONWriter) {
    guard let slice = try? JSONSlice.parse(line) else { return }
    let response = slice["response"]
    let status = response?["status_code"]?.int64 ?? 0
    writer.beginObject()
    writer.field("batch_request_id", slice["custom_id"]?.string ?? "")
    writer.key("batch_result")
    writer.beginObject()
    if status == 200, let body = response?["body"] {
      writer.key("response")
      writer.beginObject()
      writer.key("chat_get_completion")
      writer.raw(body.raw)
      writer.endObject()
    } else {
      let error = response?["body"]?["error"] ?? slice["error"]
      writer.key("error")
      writer.beginObject()
      writer.field("code", status > 0 ? String(status) : error?["code"]?.string ?? "")
      writer.field("message", error?["message"]?.string ?? "")
      writer.endObject()
    }
    writer.endObject()
    writer.endObject()
  }
}
