public import BatchCore

/// One request with the inputs of several that have the same frame, in their order. Of all but the first it holds nothing but
/// the inputs.
public struct EmbeddingMerge: Sendable {
  private let first: EmbeddingRequest
  private var list: [UInt8]
  /// How many requests it is made of.
  public private(set) var count = 1

  public init(_ first: EmbeddingRequest) {
    self.first = first
    list = Array(first.body.bytes[first.list])
  }

  /// Returns false, and takes nothing, where the request differs in more than its inputs.
  public mutating func add(_ request: EmbeddingRequest) -> Bool {
    guard request.frame == first.frame else { return false }
    list.append(UInt8(ascii: ","))
    list.append(contentsOf: request.body.bytes[request.list])
    count += 1
    return true
  }

  public var body: RequestBody {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(first.mergedFrameBytes + list.count)
    bytes.append(contentsOf: first.body.bytes[..<first.value.lowerBound])
    bytes.append(UInt8(ascii: "["))
    bytes.append(contentsOf: list)
    bytes.append(UInt8(ascii: "]"))
    let moved = bytes.count - first.value.upperBound
    bytes.append(contentsOf: first.body.bytes[first.value.upperBound...])
    let model = first.body.modelRange
    let isBefore = model.upperBound <= first.value.lowerBound
    return RequestBody(
      bytes: bytes, modelRange: isBefore ? model : model.lowerBound + moved..<model.upperBound + moved)
  }
}
