public import BatchCore

/// A request for embeddings, apart into its inputs and what stands around them, so that requests that differ in nothing
/// else become one with all their inputs. Inputs are taken byte for byte.
public struct EmbeddingRequest: Sendable {
  /// Texts and tokenised texts do not go into one request.
  public enum Kind: UInt8, Hashable, Sendable {
    case texts
    case tokens
  }

  public let body: RequestBody
  public let kind: Kind
  /// How many inputs there are, at least 1.
  public let inputs: Int
  /// The most bytes of an answer's number for each input, as text.
  public let bytesEach: Int
  /// The body without its inputs and without the name of its model: the same for what may be merged.
  public let frame: [UInt8]
  /// The value of the member `input`.
  let value: Range<Int>
  /// What goes between the brackets of an array of inputs.
  let list: Range<Int>

  /// The longest vector of a model that is documented.
  private static let longestVector = 3072
  /// A number as it is spelled in an answer, with what stands around it.
  private static let bytesOfNumber = 24

  /// Nil for what is better left alone: another shape than the documented ones, or an input that would be refused.
  public init?(_ body: RequestBody) {
    guard let slice = try? JSONSlice.parse(body.bytes), slice.kind == .object else { return nil }
    let model = body.modelRange
    var input: JSONSlice?
    var dimensions = Self.longestVector
    for member in slice.members {
      if member.isNamed("input") {
        guard input == nil else { return nil }
        input = member.value
      } else if member.isNamed("dimensions"), let wanted = member.value.int64 {
        dimensions = Int(min(max(1, wanted), 1 << 20))
      }
    }
    guard let input, let (kind, count, list) = Self.read(input) else { return nil }
    guard slice.range.contains(model.lowerBound), model.upperBound <= slice.range.upperBound,
      model.upperBound <= input.range.lowerBound || model.lowerBound >= input.range.upperBound
    else { return nil }
    self.body = body
    self.kind = kind
    self.list = list
    inputs = count
    value = input.range
    bytesEach = dimensions * Self.bytesOfNumber
    // No JSON holds these bytes, so no two bodies have the same frame by chance.
    let cuts = [(model, UInt8(0)), (input.range, kind.rawValue + 1)].sorted { $0.0.lowerBound < $1.0.lowerBound }
    var frame: [UInt8] = []
    var copied = slice.range.lowerBound
    for (cut, mark) in cuts {
      frame.append(contentsOf: slice.document[copied..<cut.lowerBound])
      frame.append(mark)
      copied = cut.upperBound
    }
    frame.append(contentsOf: slice.document[copied..<slice.range.upperBound])
    self.frame = frame
  }

  /// Where it stands among others of its batch: those of one tenant that may be merged are neighbours. Never 0.
  public func order(of tenant: String) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in frame { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for byte in tenant.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return max(1, Int64(hash >> 1))
  }

  /// What `EmbeddingMerge` makes of it and others has this size besides the lists, with a comma between each two of them.
  public var mergedFrameBytes: Int { body.bytes.count - value.count + 2 }
  public var listBytes: Int { list.count }

  /// The documented shapes: a text, several, the tokens of one, or of several.
  private static func read(_ input: JSONSlice) -> (Kind, Int, Range<Int>)? {
    if input.kind == .string { return isText(input) ? (.texts, 1, input.range) : nil }
    guard input.kind == .array, let first = input.elements.first(where: { _ in true }) else { return nil }
    if first.kind == .number { return isTokens(input) ? (.tokens, 1, input.range) : nil }
    var count = 0
    var end = first.range.upperBound
    for element in input.elements {
      guard element.kind == first.kind, isText(element) || isTokens(element) else { return nil }
      count += 1
      end = element.range.upperBound
    }
    return (first.kind == .string ? .texts : .tokens, count, first.range.lowerBound..<end)
  }

  private static func isText(_ value: JSONSlice) -> Bool { value.kind == .string && value.range.count > 2 }

  private static func isTokens(_ value: JSONSlice) -> Bool {
    guard value.kind == .array else { return false }
    var isEmpty = true
    for element in value.elements {
      guard let token = element.int64, token >= 0 else { return false }
      isEmpty = false
    }
    return !isEmpty
  }
}
