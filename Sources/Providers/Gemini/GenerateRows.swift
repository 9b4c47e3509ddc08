import BatchCore
import Wire

/// An input file, made from rows while it is sent. Holds one chunk of rows at a time.
actor GenerateRows: HTTPExchange.ByteSource {
  private static let head = Array(#"{"key":""#.utf8)
  private static let middle = Array(#"","request":"#.utf8)
  private static let tail = Array("}\n".utf8)
  /// `"model":` and a comma go with the model's name.
  private static let modelKeyBytes = 9
  private static let chunkBytes = 1 << 18

  private let form: GenerateForm
  private let rows: any BatchRowSource
  private let length: Int64
  private let rowCount: Int
  private var pending: ArraySlice<BatchRow> = []
  private var writtenBytes: Int64 = 0
  private var writtenRows = 0

  /// - Parameter length: Of the whole file in bytes, as `measure` says.
  init(_ form: GenerateForm, rows: any BatchRowSource, rowCount: Int, length: Int64) {
    self.form = form
    self.rows = rows
    self.rowCount = rowCount
    self.length = length
  }

  /// The size of a file with rows of these sums, if all are spelled without spaces and none is translated. Saturates instead
  /// of overflowing.
  static func size(of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64) -> Int64 {
    let frame = Int128(head.count + middle.count + tail.count - modelKeyBytes)
    let size = Int128(rows) * frame + Int128(customIDBytes) + Int128(bodyBytes) - Int128(modelRangeBytes)
    return Int64(clamping: size)
  }

  /// The exact size of the file, by reading the rows through.
  static func measure(_ form: GenerateForm, rows: any BatchRowSource) async throws(HTTPExchange.Failure) -> Int64 {
    let file = GenerateRows(form, rows: rows, rowCount: .max, length: .max)
    var size: Int64 = 0
    while true {
      let chunk = try await file.nextLines()
      if chunk.isEmpty { return size }
      size += Int64(chunk.count)
    }
  }

  func next() async throws(HTTPExchange.Failure) -> [UInt8]? {
    let chunk = try await nextLines()
    if !chunk.isEmpty { return chunk }
    guard writtenBytes == length, writtenRows == rowCount else {
      throw failure("the rows end after \(writtenRows) rows of \(rowCount) and \(writtenBytes) bytes of \(length)")
    }
    return nil
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
      try append(row, to: &bytes)
      writtenRows += 1
    }
    writtenBytes += Int64(bytes.count)
    // Stopped here, before more is sent than was declared.
    guard writtenBytes <= length, writtenRows <= rowCount else {
      throw failure("the rows are more than \(rowCount) rows or \(length) bytes")
    }
    return bytes
  }

  private func append(_ row: BatchRow, to bytes: inout [UInt8]) throws(HTTPExchange.Failure) {
    guard BatchLine.isPlain(row.customID) else {
      throw failure("row \(writtenRows + 1) cannot be written as a line")
    }
    bytes += Self.head
    bytes += row.customID.utf8
    bytes += Self.middle
    do throws(ChatRefusal) {
      try form.append(row.body, to: &bytes)
    } catch {
      throw failure("row \(writtenRows + 1) cannot be written: \(error)")
    }
    bytes += Self.tail
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
