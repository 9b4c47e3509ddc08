import HTTPTypes
import Hummingbird
import NIOCore
import Wire

/// The Gemini API's files: uploads in pieces, and what batches have left.
extension SimulatorResponder {
  func beginUpload(_ request: Request, _ caller: Credentials.Caller) async throws -> Response {
    guard request.headers[.uploadProtocol] == "resumable", request.headers[.uploadCommand] == "start",
      let bytes = request.headers[.uploadLength].flatMap({ Int($0) }), bytes >= 0
    else { throw APIError.invalid("The upload must be resumable, begin with 'start', and tell its length.") }
    let behaviour = settings.behaviour
    guard bytes <= behaviour.maxFileBytes else {
      throw APIError.invalid("The file is larger than \(behaviour.maxFileBytes) bytes.")
    }
    let described = try await json(request)["file"]
    let name = (described?["displayName"] ?? described?["display_name"])?.string ?? ""
    let fileID = "file-" + ids.next()
    let upload = GeminiUploads.Upload(
      key: request.headers[.googleKey] ?? "", displayName: name, bytes: bytes, fileID: fileID,
      descriptor: try await disk.create(fileID))
    let id = ids.next()
    guard uploads.put(upload, as: id) else {
      await disk.abandon(upload.descriptor, fileID)
      throw APIError.transient(503)
    }
    let host = request.head.authority ?? "127.0.0.1"
    var headers = HTTPFields()
    headers[.uploadURL] = "http://\(host)/upload/v1beta/files?upload_id=\(id)&upload_protocol=resumable"
    headers[.uploadStatus] = "active"
    return Reply.json(Array("{}".utf8), headers: headers)
  }

  func takeChunk(_ id: String, _ request: Request, _ caller: Credentials.Caller) async throws -> Response {
    guard var upload = uploads.take(id) else { throw APIError.notFound("There is no such upload.") }
    do {
      let command = request.headers[.uploadCommand] ?? ""
      guard command.hasPrefix("upload"), request.headers[.uploadOffset].flatMap({ Int($0) }) == upload.received else {
        throw APIError.invalid("The command or the offset of the chunk is wrong.")
      }
      for try await buffer in request.body {
        upload.received += buffer.readableBytes
        guard upload.received <= upload.bytes else { throw APIError.invalid("More bytes than were announced.") }
        try await disk.write(Array(buffer.readableBytesView), to: upload.descriptor)
      }
      guard command.hasSuffix("finalize") else {
        _ = uploads.put(upload, as: id)
        var headers = HTTPFields()
        headers[.uploadStatus] = "active"
        return Reply.json(Array("{}".utf8), headers: headers)
      }
      guard upload.received == upload.bytes else { throw APIError.invalid("Fewer bytes than were announced.") }
      return try await finish(upload, request, caller)
    } catch {
      await disk.abandon(upload.descriptor, upload.fileID)
      throw error
    }
  }

  private func finish(
    _ upload: GeminiUploads.Upload, _ request: Request, _ caller: Credentials.Caller
  ) async throws -> Response {
    var file = StoredFile(
      id: upload.fileID, project: caller.project, bytes: upload.bytes, createdAt: WallClock.seconds,
      expiresAt: WallClock.seconds + 172_800, filename: upload.displayName, purpose: StoredFile.geminiPurpose)
    file.processedAtMilliseconds = WallClock.milliseconds + settings.behaviour.fileProcessingMs
    try await disk.finish(upload.descriptor, as: file.id)
    try await catalog.add(file)
    calls.note(.upload, file.id, agent: request.headers[.userAgent])
    counters.count("files.uploaded")
    var headers = HTTPFields()
    headers[.uploadStatus] = "final"
    return Reply.json(
      Self.object { writer in
        writer.beginObject()
        writer.key("file")
        file.writeGemini(into: &writer, now: WallClock.milliseconds)
        writer.endObject()
      }, headers: headers)
  }

  func listGeminiFiles(_ query: Query, _ caller: Credentials.Caller) throws -> Response {
    let files = catalog.files(project: caller.project, now: WallClock.seconds)
      .filter { $0.purpose == StoredFile.geminiPurpose }
    return try geminiPage(settings.behaviour.geminiOldestFirst ? files : files.reversed(), "files", query) {
      $1.writeGemini(into: &$0, now: WallClock.milliseconds)
    }
  }

  /// What was uploaded cannot be downloaded.
  func geminiContent(_ id: String, _ caller: Credentials.Caller, isCut: Bool) throws -> Response {
    let file = try geminiFile(id, caller)
    guard file.purpose != StoredFile.geminiPurpose else {
      throw APIError.invalid("Only generated files can be downloaded.")
    }
    counters.count("files.downloaded")
    return stream(disk.path(of: file.id), bytes: file.bytes, cutAt: isCut ? file.bytes / 2 : nil)
  }

  func deleteGeminiFile(_ id: String, _ caller: Credentials.Caller) async throws -> Response {
    _ = try geminiFile(id, caller)
    let lag = settings.behaviour.deleteLagMs
    if lag == 0 {
      try await forget(id, caller)
    } else {
      // Unstructured: it happens after the answer, and a simulator that stops before it keeps the file.
      Task {
        try? await Task.sleep(for: .milliseconds(lag))
        try? await forget(id, caller)
      }
    }
    return Reply.json(Array("{}".utf8))
  }

  private func forget(_ id: String, _ caller: Credentials.Caller) async throws {
    guard try await catalog.deleteFile(id, project: caller.project) else { return }
    if catalog.isUnused(id) { await disk.remove(id) }
  }

  func geminiFile(_ id: String, _ caller: Credentials.Caller) throws(APIError) -> StoredFile {
    guard let file = catalog.file(id, project: caller.project, now: WallClock.seconds) else {
      throw .noGeminiFile(id, isForbidden: settings.behaviour.geminiMissingIs403)
    }
    return file
  }
}

extension HTTPField.Name {
  // Fixed names: the initialiser refuses only characters that these do not have.
  static let uploadProtocol = HTTPField.Name("x-goog-upload-protocol")!
  static let uploadCommand = HTTPField.Name("x-goog-upload-command")!
  static let uploadOffset = HTTPField.Name("x-goog-upload-offset")!
  static let uploadLength = HTTPField.Name("x-goog-upload-header-content-length")!
  static let uploadStatus = HTTPField.Name("x-goog-upload-status")!
  static let uploadURL = HTTPField.Name("x-goog-upload-url")!
}
