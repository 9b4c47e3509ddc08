import BatchCore
import Wire

/// A line of a batch's input: what stands around a row's body, which is taken byte for byte but for the model's name.
struct BatchLine: Sendable {
  static let head = Array(#"{"custom_id":""#.utf8)
  private static let tail = Array("}\n".utf8)
  private let middle: [UInt8]
  /// The route's model as a JSON string.
  private let model: [UInt8]

  /// - Parameter path: What the line calls its endpoint.
  init(model: String, path: String) {
    var string = JSONWriter(capacity: model.utf8.count + 2)
    string.string(model)
    self.model = string.bytes
    middle = Array(#"","method":"POST","url":"\#(path)","body":"#.utf8)
  }

  /// Saturates instead of overflowing; such a size is refused by every limit.
  func size(of rows: Int, customIDBytes: Int64, bodyBytes: Int64, modelRangeBytes: Int64) -> Int64 {
    let frame = Int128(Self.head.count + middle.count + model.count + Self.tail.count)
    let size = Int128(rows) * frame + Int128(customIDBytes) + Int128(bodyBytes) - Int128(modelRangeBytes)
    return Int64(clamping: size)
  }

  /// - Returns: whether the row could be written: its custom id needs no escape, and its model lies within its body.
  func append(_ row: BatchRow, to bytes: inout [UInt8]) -> Bool {
    guard Self.isPlain(row.customID), let range = Self.modelRange(of: row.body) else { return false }
    bytes.append(contentsOf: Self.head)
    bytes.append(contentsOf: row.customID.utf8)
    bytes.append(contentsOf: middle)
    bytes.append(contentsOf: row.body.bytes[..<range.lowerBound])
    bytes.append(contentsOf: model)
    bytes.append(contentsOf: row.body.bytes[range.upperBound...])
    bytes.append(contentsOf: Self.tail)
    return true
  }

  /// A synchronous call's body, in parts.
  func segments(of body: RequestBody) -> [[UInt8]]? {
    guard let range = Self.modelRange(of: body) else { return nil }
    return [Array(body.bytes[..<range.lowerBound]), model, Array(body.bytes[range.upperBound...])]
  }

  private static func modelRange(of body: RequestBody) -> Range<Int>? {
    let range = body.modelRange
    return range.lowerBound >= 0 && range.upperBound <= body.bytes.count ? range : nil
  }

  static func isPlain(_ customID: String) -> Bool {
    !customID.isEmpty
      && customID.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}
