import BatchCore
import Wire

/// How a request's body becomes the one that is sent: its own bytes with the route's model, or the translation of OpenAI's
/// shape. In a job's lines the model is left out, since the job names it.
struct MistralForm: Sendable {
  private static let head = BatchLine.head
  private static let middle = Array(#"","body":"#.utf8)
  private static let tail = Array("}\n".utf8)

  let endpoint: Endpoint
  private let model: String

  init(model: String, endpoint: Endpoint) {
    self.model = model
    self.endpoint = endpoint
  }

  var isTranslated: Bool { endpoint == .chatCompletions }

  /// A synchronous call's body, in parts.
  func segments(of body: RequestBody) throws(ChatRefusal) -> [[UInt8]] {
    if isTranslated { return [try MistralTranslation().body(of: body.bytes, model: model)] }
    let range = try Self.modelRange(of: body)
    var string = JSONWriter(capacity: model.utf8.count + 2)
    string.string(model)
    return [Array(body.bytes[..<range.lowerBound]), string.bytes, Array(body.bytes[range.upperBound...])]
  }

  /// The exact size in bytes of lines of these sums where nothing is translated. Saturates instead of overflowing.
  static func size(of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64) -> Int64 {
    let frame = Int128(head.count + middle.count + tail.count)
    return Int64(
      clamping: Int128(rows) * frame + Int128(customIDBytes) + Int128(bodyBytes) - Int128(modelRangeBytes))
  }

  /// The exact size in bytes of the lines that rows make, by reading them through.
  func measure(_ rows: any BatchRowSource) async throws -> Int64 {
    var size: Int64 = 0
    while let chunk = try await rows.next() {
      var bytes: [UInt8] = []
      for row in chunk {
        bytes.removeAll(keepingCapacity: true)
        try append(row, to: &bytes)
        size += Int64(bytes.count)
      }
    }
    return size
  }

  /// Adds the line of a row.
  func append(_ row: BatchRow, to bytes: inout [UInt8]) throws(ChatRefusal) {
    guard BatchLine.isPlain(row.customID) else { throw ChatRefusal("custom_id", "needs an escape") }
    bytes += Self.head
    bytes += row.customID.utf8
    bytes += Self.middle
    if isTranslated {
      bytes += try MistralTranslation().body(of: row.body.bytes, model: nil)
    } else {
      bytes += try Self.withoutModel(row.body)
    }
    bytes += Self.tail
  }

  /// Blanks take the place of the model's key and comma, so that the length of lines follows from sums.
  private static func withoutModel(_ body: RequestBody) throws(ChatRefusal) -> [UInt8] {
    let range = try modelRange(of: body)
    var bytes = body.bytes
    guard let object = try? JSONSlice.parse(bytes, maximumDepth: JSONDepth.answers),
      let key = object.members.first(where: { $0.value.range == range })?.keyRange
    else { throw ChatRefusal("model", "its place is not where it is said to be") }
    func isBlank(_ index: Int) -> Bool { bytes[index] <= 0x20 }
    let comma = UInt8(ascii: ",")
    if let next = (range.upperBound..<bytes.count).first(where: { !isBlank($0) }), bytes[next] == comma {
      bytes[next] = 0x20
    } else if let last = (0..<key.lowerBound).last(where: { !isBlank($0) }), bytes[last] == comma {
      bytes[last] = 0x20
    }
    for index in key.lowerBound..<range.lowerBound { bytes[index] = 0x20 }
    bytes.removeSubrange(range)
    return bytes
  }

  private static func modelRange(of body: RequestBody) throws(ChatRefusal) -> Range<Int> {
    let range = body.modelRange
    guard range.lowerBound >= 0, range.upperBound <= body.bytes.count else {
      throw ChatRefusal("model", "its place lies outside the request's body")
    }
    return range
  }
}
