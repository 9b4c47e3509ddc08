import HTTPTypes
import Hummingbird
import NIOCore
import Wire

extension SimulatorResponder {
  func upload(_ request: Request, _ caller: Credentials.Caller, _ dialect: Dialect) async throws -> Response {
    guard let boundary = request.headers[.contentType].flatMap({ MultipartParser.boundary(contentType: $0) }) else {
      throw APIError.invalid("Expected a body of type multipart/form-data with a boundary.")
    }
    let id = "file-" + ids.next()
    let descriptor = try await disk.create(id)
    let behaviour = settings.behaviour
    var receipt = UploadReceipt(maximumBytes: behaviour.maxFileBytes)
    do {
      var parser = MultipartParser(boundary: boundary)
      for try await buffer in request.body {
        try receipt.add(try parser.append(Array(buffer.readableBytesView)))
        // Few large writes instead of many small ones.
        if receipt.content.count >= 256 << 10 { try await disk.write(receipt.takeContent(), to: descriptor) }
      }
      try parser.finish()
      try await disk.write(receipt.takeContent(), to: descriptor)
      let now = WallClock.seconds
      var file = try receipt.file(
        id: id, project: caller.project, now: now, hasAzureFields: dialect.isAzure && behaviour.azureDottedFields,
        purposes: dialect == .together ? ["batch-api"] : UploadReceipt.purposes)
      if dialect.isAzure { try checkRoom(for: file, behaviour, now: now) }
      if dialect.isAzure || dialect == .together {
        file.processedAtMilliseconds = WallClock.milliseconds + behaviour.fileProcessingMs
      }
      try await disk.finish(descriptor, as: id)
      try await catalog.add(file)
      calls.note(.upload, id, agent: request.headers[.userAgent])
      counters.count("files.uploaded")
      return Reply.json(
        Self.object { file.write(into: &$0, now: WallClock.milliseconds, dialect) }, status: createdStatus(dialect))
    } catch let failure as MultipartParser.Failure {
      await disk.abandon(descriptor, id)
      throw APIError.invalid("The multipart body is broken: \(failure.rawValue).")
    } catch {
      await disk.abandon(descriptor, id)
      throw error
    }
  }

  /// Azure stores only so many files that do not expire.
  private func checkRoom(for file: StoredFile, _ behaviour: Behaviour, now: Int) throws {
    guard file.expiresAt == nil, behaviour.azureMaxFiles > 0 else { return }
    let kept = catalog.files(project: file.project, now: now).count { $0.expiresAt == nil && $0.purpose == "batch" }
    guard kept < behaviour.azureMaxFiles else {
      throw APIError.invalid(
        "The maximum number of files that do not expire is \(behaviour.azureMaxFiles).", code: "quotaExceeded")
    }
  }

  func listFiles(_ query: Query, _ caller: Credentials.Caller) throws -> Response {
    let limit = try query.number("limit", 1...10_000, default: 10_000)
    var files = catalog.files(project: caller.project, now: WallClock.seconds)
    if let purpose = query["purpose"] { files = files.filter { $0.purpose == purpose } }
    if query["order"] != "asc" { files.reverse() }
    if let after = query["after"] {
      files = files.firstIndex { $0.id == after }.map { Array(files[($0 + 1)...]) } ?? []
    }
    let page = files.prefix(limit)
    return Reply.json(
      Self.list(ids: (page.first?.id, page.last?.id), hasMore: files.count > page.count) { writer in
        for file in page { file.write(into: &writer, now: WallClock.milliseconds) }
      })
  }

  func showFile(_ id: String, _ caller: Credentials.Caller, _ dialect: Dialect) throws -> Response {
    let file = try find(id, caller)
    return Reply.json(Self.object { file.write(into: &$0, now: WallClock.milliseconds, dialect) })
  }

  func deleteFile(_ id: String, _ caller: Credentials.Caller) async throws -> Response {
    _ = try find(id, caller)
    let lag = settings.behaviour.deleteLagMs
    if lag == 0 {
      guard try await remove(id, caller) else { throw Self.noFile(id) }
    } else {
      // Unstructured: it happens after the answer, and a simulator that stops before it keeps the file.
      Task {
        try? await Task.sleep(for: .milliseconds(lag))
        _ = try? await remove(id, caller)
      }
    }
    return Reply.json(
      Self.object { writer in
        writer.beginObject()
        writer.field("id", id)
        writer.field("object", "file")
        writer.key("deleted")
        writer.bool(true)
        writer.endObject()
      })
  }

  /// Returns whether the file was there.
  private func remove(_ id: String, _ caller: Credentials.Caller) async throws -> Bool {
    guard try await catalog.deleteFile(id, project: caller.project) else { return false }
    if catalog.isUnused(id) { await disk.remove(id) }
    return true
  }

  /// - Parameter isCut: Whether the connection ends half way.
  func download(_ id: String, _ caller: Credentials.Caller, isCut: Bool) throws -> Response {
    let file = try find(id, caller)
    counters.count("files.downloaded")
    return stream(disk.path(of: file.id), bytes: file.bytes, cutAt: isCut ? file.bytes / 2 : nil)
  }

  /// The first bytes of a file, from the disk to the connection.
  func stream(_ path: String, bytes: Int, cutAt cut: Int? = nil) -> Response {
    let disk = disk
    var headers = HTTPFields()
    headers[.contentType] = "application/octet-stream"
    return Response(
      status: .ok, headers: headers,
      body: ResponseBody(contentLength: bytes) { writer in
        guard let descriptor = await disk.openForReading(path) else {
          throw SimulatorError("\(path) is gone")
        }
        do {
          var offset = 0
          let end = cut ?? bytes
          while offset < end {
            let chunk = try await disk.read(descriptor, at: offset, count: min(256 << 10, end - offset))
            guard !chunk.isEmpty else { throw SimulatorError("\(path) has become shorter") }
            try await writer.write(ByteBuffer(bytes: chunk))
            offset += chunk.count
          }
          if cut != nil { throw SimulatorError("cut by a fault") }
        } catch {
          await disk.closeReading(descriptor)
          throw error
        }
        await disk.closeReading(descriptor)
        try await writer.finish(nil)
      })
  }

  static func object(_ write: (inout JSONWriter) -> Void) -> [UInt8] {
    var writer = JSONWriter(capacity: 1024)
    write(&writer)
    return writer.bytes
  }

  /// A page of a list.
  static func list(
    ids: (first: String?, last: String?), hasMore: Bool, _ write: (inout JSONWriter) -> Void
  ) -> [UInt8] {
    object { writer in
      writer.beginObject()
      writer.field("object", "list")
      writer.key("data")
      writer.beginArray()
      write(&writer)
      writer.endArray()
      writer.key("first_id")
      writer.string(orNull: ids.first)
      writer.key("last_id")
      writer.string(orNull: ids.last)
      writer.key("has_more")
      writer.bool(hasMore)
      writer.endObject()
    }
  }

  private func find(_ id: String, _ caller: Credentials.Caller) throws -> StoredFile {
    guard let file = catalog.file(id, project: caller.project, now: WallClock.seconds) else { throw Self.noFile(id) }
    return file
  }

  private static func noFile(_ id: String) -> APIError { .notFound("No such File object: \(id)") }
}
