import BatchCore

/// The answer to a request with many inputs, apart into the answers that their requests would have had alone.
public struct EmbeddingAnswer {
  /// An element of the answer: all of it, and the number that says which input it is of.
  private struct Element {
    var range: Range<Int>
    var index: Range<Int>
  }

  private let body: JSONSlice
  private let data: JSONSlice
  private let usage: JSONSlice?
  /// In the order of the inputs.
  private let elements: [Element]
  /// What stands between two elements, and before the first and after the last.
  private let separator: Range<Int>?
  private let margins: (Range<Int>, Range<Int>)

  /// More numbers than any documented usage has.
  private static let mostNumbers = 32
  /// What the parts may have beyond twice the answer's own size: each repeats what stands around the elements.
  private static let roomOfParts = 1 << 20
  private static let mostDigits = 19

  /// Nil unless it has exactly one element for each of so many inputs, each with the index of its own.
  public init?(_ bytes: [UInt8], inputs: Int, maximumDepth: Int = 512) {
    guard inputs > 0, let body = try? JSONSlice.parse(bytes, maximumDepth: maximumDepth), body.kind == .object else {
      return nil
    }
    var (data, usage): (JSONSlice?, JSONSlice?)
    for member in body.members {
      if member.isNamed("data") {
        guard data == nil else { return nil }
        data = member.value
      } else if member.isNamed("usage") {
        guard usage == nil else { return nil }
        usage = member.value
      }
    }
    guard let data, data.kind == .array else { return nil }
    var places = [Element?](repeating: nil, count: inputs)
    var (previous, separator, first): (Int?, Range<Int>?, Int?)
    for element in data.elements {
      var index: JSONSlice?
      for member in element.members where member.isNamed("index") {
        guard index == nil else { return nil }
        index = member.value
      }
      guard let index, let place = index.int64, place >= 0, place < inputs, places[Int(place)] == nil else {
        return nil
      }
      places[Int(place)] = Element(range: element.range, index: index.range)
      if let previous, separator == nil { separator = previous..<element.range.lowerBound }
      first = first ?? element.range.lowerBound
      previous = element.range.upperBound
    }
    elements = places.compactMap { $0 }
    guard elements.count == inputs, let first, let previous else { return nil }
    self.body = body
    self.data = data
    self.usage = usage?.kind == .object ? usage : nil
    self.separator = separator
    margins = (data.range.lowerBound + 1..<first, previous..<data.range.upperBound - 1)
  }

  /// The answers of the requests with so many inputs each: all as it is but for the elements, which are counted from 0, and
  /// for the numbers of `usage`, which are shared out by the weights. Nil also where the parts would be far larger than the
  /// answer.
  public func split(_ counts: [Int], weights: [Int64]) -> [[UInt8]]? {
    guard counts.count == weights.count, counts.allSatisfy({ $0 > 0 }), counts.reduce(0, +) == elements.count else {
      return nil
    }
    // The elements stand where there is no number.
    var edits: [(range: Range<Int>, shares: [Int64]?)] = [(data.range, nil)]
    var numbers: [(range: Range<Int>, value: Int64)] = []
    if let usage { collect(from: usage, into: &numbers) }
    guard numbers.count <= Self.mostNumbers, mostBytes(counts.count, numbers) <= 2 * body.range.count + Self.roomOfParts
    else { return nil }
    for number in numbers { edits.append((number.range, Shares.of(number.value, by: weights))) }
    edits.sort { $0.range.lowerBound < $1.range.lowerBound }
    var answers: [[UInt8]] = []
    answers.reserveCapacity(counts.count)
    var start = 0
    for (member, count) in counts.enumerated() {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(body.range.count / elements.count * count + 256)
      var copied = body.range.lowerBound
      for (range, shares) in edits {
        bytes.append(contentsOf: body.document[copied..<range.lowerBound])
        if let shares {
          bytes.append(contentsOf: String(shares[member]).utf8)
        } else {
          append(elements[start..<start + count], to: &bytes)
        }
        copied = range.upperBound
      }
      bytes.append(contentsOf: body.document[copied..<body.range.upperBound])
      answers.append(bytes)
      start += count
    }
    return answers
  }

  /// An array of these elements, counted from 0.
  private func append(_ own: ArraySlice<Element>, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "["))
    bytes.append(contentsOf: body.document[margins.0])
    for (index, element) in own.enumerated() {
      if index > 0, let separator { bytes.append(contentsOf: body.document[separator]) }
      bytes.append(contentsOf: body.document[element.range.lowerBound..<element.index.lowerBound])
      bytes.append(contentsOf: String(index).utf8)
      bytes.append(contentsOf: body.document[element.index.upperBound..<element.range.upperBound])
    }
    bytes.append(contentsOf: body.document[margins.1])
    bytes.append(UInt8(ascii: "]"))
  }

  /// What so many parts have together at most.
  private func mostBytes(_ parts: Int, _ numbers: [(range: Range<Int>, value: Int64)]) -> Int {
    let around = body.range.count - data.range.count + margins.0.count + margins.1.count + 2
    let each = around + numbers.count * Self.mostDigits
    let inside = elements.reduce(0) { $0 + $1.range.count } + (separator?.count ?? 0) * (elements.count - parts)
    let (most, overflow) = each.multipliedReportingOverflow(by: parts)
    return overflow ? .max : most.addingReportingOverflow(inside).partialValue
  }

  /// Counts in an object and in those within it, and no more than it takes to know that they are too many.
  private func collect(
    from object: JSONSlice, into numbers: inout [(range: Range<Int>, value: Int64)], depth: Int = 0
  ) {
    for member in object.members {
      if numbers.count > Self.mostNumbers { return }
      if let value = member.value.int64, value >= 0 {
        numbers.append((member.value.range, value))
      } else if depth < 4, member.value.kind == .object {
        collect(from: member.value, into: &numbers, depth: depth + 1)
      }
    }
  }
}
