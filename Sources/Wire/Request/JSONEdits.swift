/// Changes to a part of a document: ranges of it that are replaced, in order and apart from each other.
struct JSONEdits {
  private(set) var edits: [(range: Range<Int>, replacement: [UInt8])] = []

  var isEmpty: Bool { edits.isEmpty }

  mutating func replace(_ range: Range<Int>, with replacement: [UInt8]) {
    edits.append((range, replacement))
    edits.sort { $0.range.lowerBound < $1.range.lowerBound }
  }

  /// Removes members of an object together with the commas that would be left over.
  mutating func removeMembers(of object: JSONSlice, where isRemoved: (JSONMember) -> Bool) {
    var keptEnd = object.range.lowerBound + 1
    var removedStart: Int?
    var removedEnd = keptEnd
    var hasKept = false
    for member in object.members {
      if isRemoved(member) {
        removedStart = removedStart ?? member.keyRange.lowerBound
        removedEnd = member.value.range.upperBound
        continue
      }
      if let start = removedStart { replace(start..<member.keyRange.lowerBound, with: []) }
      removedStart = nil
      hasKept = true
      keptEnd = member.value.range.upperBound
    }
    // At the end of the object it is the comma before that goes.
    if let start = removedStart { replace((hasKept ? keptEnd : start)..<removedEnd, with: []) }
  }

  /// The bytes of the slice with the changes made.
  func apply(to slice: JSONSlice) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(slice.range.count + edits.reduce(0) { $0 + $1.replacement.count })
    var copied = slice.range.lowerBound
    for edit in edits {
      output.append(contentsOf: slice.document[copied..<edit.range.lowerBound])
      output.append(contentsOf: edit.replacement)
      copied = edit.range.upperBound
    }
    output.append(contentsOf: slice.document[copied..<slice.range.upperBound])
    return output
  }
}
