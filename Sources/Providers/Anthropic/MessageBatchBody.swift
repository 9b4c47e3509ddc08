import BatchCore
import Wire

/// The body of a create, made from rows while it is sent. Holds one chunk of rows at a time.
actor MessageBatchBody: HTTPExchange.ByteSource {
  private enum Stage {
    case rows
    case done
  }

  private static let head = Array(#"{"requests":["#.utf8)
  private static let tail = Array("]}".utf8)
  private static let rowHead = Array(#"{"custom_id":""#.utf8)
  private static let rowMiddle = Array(#"","params":"#.utf8)
  private static let chunkBytes = 1 << 18

  private let form: MessageForm
  private let rows: any BatchRowSource
  private let length: Int64
  private let rowCount: Int
  private var stage = Stage.rows
  private var pending: ArraySlice<BatchRow> = []
  private var writtenBytes: Int64 = 0
  private var writtenRows = 0

  /// - Parameter length: Of the whole body in bytes: `size(…)`, or what `measure` says.
  init(_ form: MessageForm, rows: any BatchRowSource, rowCount: Int, length: Int64) {
    self.form = form
    self.rows = rows
    self.rowCount = rowCount
    self.length = length
  }

  /// The exact size of a body with rows of these sums, in bytes. Saturates instead of overflowing.
  static func size(of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64, model: [UInt8])
    -> Int64
  {
    // Each row is closed by a brace, and all but the last have a comma.
    let frame = Int128(rowHead.count + rowMiddle.count + model.count + 2)
    let rowBytes = Int128(rows) * frame - (rows > 0 ? 1 : 0)
    let size =
      Int128(head.count + tail.count) + rowBytes + Int128(customIDBytes) + Int128(bodyBytes) - Int128(modelRangeBytes)
    return Int64(clamping: size)
  }

  /// The exact size of the body, by reading the rows through.
  static func measure(_ form: MessageForm, rows: any BatchRowSource) async throws(HTTPExchange.Failure) -> Int64 {
    let body = MessageBatchBody(form, rows: rows, rowCount: .max, length: .max)
    var size: Int64 = 0
    while let chunk = try await body.nextRows() { size += Int64(chunk.count) }
    return size + Int64(tail.count)
  }

  func next() async throws(HTTPExchange.Failure) -> [UInt8]? {
    switch stage {
    case .rows:
      if let chunk = try await nextRows() {
        // Stopped here, before more is sent than was declared.
        guard writtenBytes + Int64(Self.tail.count) <= length, writtenRows <= rowCount else {
          throw failure("the rows are more than \(rowCount) rows or \(length) bytes")
        }
        return chunk
      }
      guard writtenBytes + Int64(Self.tail.count) == length, writtenRows == rowCount else {
        throw failure(
          "the rows end after \(writtenRows) rows of \(rowCount) and \(writtenBytes) bytes of \(length)")
      }
      stage = .done
      return Self.tail
    case .done: return nil
    }
  }

  /// About a chunk, the head before the first row; nil after the last row.
  private func nextRows() async throws(HTTPExchange.Failure) -> [UInt8]? {
    var bytes: [UInt8] = writtenBytes == 0 ? Self.head : []
    while bytes.count < Self.chunkBytes {
      guard let row = pending.popFirst() else {
        guard let more = try await moreRows() else { break }
        pending = more[...]
        continue
      }
      if writtenRows > 0 { bytes.append(UInt8(ascii: ",")) }
      try append(row, to: &bytes)
      writtenRows += 1
    }
    writtenBytes += Int64(bytes.count)
    return bytes.isEmpty ? nil : bytes
  }

  private func append(_ row: BatchRow, to bytes: inout [UInt8]) throws(HTTPExchange.Failure) {
    guard BatchLine.isPlain(row.customID), row.customID.utf8.count <= ProviderCapabilities.anthropic.longestCustomID
    else { throw failure("row \(writtenRows + 1) has a custom id that Anthropic does not take") }
    bytes += Self.rowHead
    bytes += row.customID.utf8
    bytes += Self.rowMiddle
    do throws(ChatRefusal) {
      try form.append(row.body, to: &bytes)
    } catch {
      throw failure("row \(writtenRows + 1) cannot be written: \(error)")
    }
    bytes.append(UInt8(ascii: "}"))
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
