import BatchCore

/// The multipart body of an upload, made from rows while it is sent. Holds one chunk of rows at a time.
actor BatchUpload: HTTPExchange.ByteSource {
  private enum Stage {
    case head
    case rows
    case done
  }

  /// A delimiter follows CR LF, and no line of the file holds a CR: any boundary is unique.
  private static let boundary = "millrace-5f0c1e7ab94d2368"
  private static let chunkBytes = 1 << 18

  nonisolated let contentType = "multipart/form-data; boundary=" + boundary
  /// Of the whole body.
  nonisolated let length: Int64

  /// Adds a row's line, or says why it cannot be written.
  typealias Write = @Sendable (BatchRow, inout [UInt8]) throws(ChatRefusal) -> Void

  private let head: [UInt8]
  private let tail: [UInt8]
  private let write: Write
  private let rows: any BatchRowSource
  private let submission: BatchSubmission
  private var stage = Stage.head
  private var pending: ArraySlice<BatchRow> = []
  private var writtenBytes: Int64 = 0
  private var writtenRows = 0

  init(_ submission: BatchSubmission, rows: any BatchRowSource, dialect: OpenAIDialect = .openAI) {
    let line = dialect.line(model: submission.model, endpoint: submission.endpoint)
    var fields = [("purpose", dialect.purpose)] + dialect.uploadFields
    if let field = dialect.uploadModelField { fields.append((field, submission.model)) }
    self.init(submission, rows: rows, fields: fields) { row, bytes throws(ChatRefusal) in
      guard line.append(row, to: &bytes) else {
        throw ChatRefusal("body", "its custom id needs an escape, or the model lies outside")
      }
    }
  }

  /// - Parameters:
  ///   - submission: Its size is that of the lines.
  ///   - fields: Of the form, before the file.
  init(
    _ submission: BatchSubmission, rows: any BatchRowSource, fields: [(name: String, value: String)],
    write: @escaping Write
  ) {
    self.submission = submission
    self.rows = rows
    self.write = write
    let boundary = Self.boundary
    let parts = fields.map { name, value in
      "--\(boundary)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n"
    }
    head = Array(
      (parts.joined()
        + "--\(boundary)\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\(submission.label).jsonl\"\r\n"
        + "Content-Type: application/jsonl\r\n\r\n").utf8)
    tail = Array("\r\n--\(boundary)--\r\n".utf8)
    length = Int64(clamping: Int128(head.count) + Int128(max(0, submission.inputBytes)) + Int128(tail.count))
  }

  func next() async throws(HTTPExchange.Failure) -> [UInt8]? {
    switch stage {
    case .head:
      stage = .rows
      return head
    case .rows:
      let chunk = try await nextLines()
      if !chunk.isEmpty { return chunk }
      guard writtenBytes == submission.inputBytes, writtenRows == submission.rowCount else {
        throw failure(
          "the rows end after \(writtenRows) rows of \(submission.rowCount) and \(writtenBytes) bytes of "
            + "\(submission.inputBytes)")
      }
      stage = .done
      return tail
    case .done:
      return nil
    }
  }

  /// Lines of about a chunk; none after the last row.
  private func nextLines() async throws(HTTPExchange.Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < Self.chunkBytes {
      guard let row = pending.popFirst() else {
        guard let more = try await moreRows() else { break }
        pending = more[...]
        continue
      }
      do {
        try write(row, &bytes)
      } catch {
        throw failure("row \(writtenRows + 1) cannot be written as a line: \(error)")
      }
      writtenRows += 1
    }
    writtenBytes += Int64(bytes.count)
    // Stopped here, before more is sent than was declared.
    guard writtenBytes <= submission.inputBytes, writtenRows <= submission.rowCount else {
      throw failure("the rows are more than \(submission.rowCount) rows or \(submission.inputBytes) bytes")
    }
    return bytes
  }

  private func moreRows() async throws(HTTPExchange.Failure) -> [BatchRow]? {
    do {
      return try await rows.next()
    } catch {
      throw failure("the rows cannot be read: \(error)")
    }
  }

  private func failure(_ message: String) -> HTTPExchange.Failure {
    HTTPExchange.Failure(.bodySource, requestMayHaveBeenSent: false, message: message)
  }
}
