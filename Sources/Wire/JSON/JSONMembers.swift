/// A member of an object.
public struct JSONMember: Sendable {
  /// The key as it stands in the document, quotes included.
  public let keyRange: Range<Int>
  public let value: JSONSlice

  /// The key, unescaped.
  public var key: String { JSONScanner.text(value.document, keyRange) }

  /// Whether the unescaped key is this one; makes no string when nothing in the document is escaped.
  public func isNamed(_ name: String) -> Bool {
    let raw = value.document[keyRange.lowerBound + 1..<keyRange.upperBound - 1]
    if raw.contains(UInt8(ascii: "\\")) { return key.utf8.elementsEqual(name.utf8) }
    return raw.count == name.utf8.count && raw.elementsEqual(name.utf8)
  }
}

/// The members of an object, found one after the other.
public struct JSONMembers: Sequence, Sendable {
  let container: JSONSlice

  public struct Iterator: IteratorProtocol {
    let container: JSONSlice
    var position: Int

    public mutating func next() -> JSONMember? {
      guard container.kind == .object else { return nil }
      let found = container.document.withUnsafeBufferPointer { bytes -> (Range<Int>, Range<Int>)? in
        let key = JSONScanner.skipToToken(bytes, position)
        guard key < container.range.upperBound, bytes[key] == UInt8(ascii: "\"") else { return nil }
        let keyEnd = JSONScanner.skipString(bytes, key)
        let value = JSONScanner.skipToToken(bytes, keyEnd)
        return (key..<keyEnd, value..<JSONScanner.skipValue(bytes, value))
      }
      guard let (key, value) = found else { return nil }
      position = value.upperBound
      return JSONMember(
        keyRange: key, value: JSONSlice(document: container.document, range: value, traits: container.traits))
    }
  }

  public func makeIterator() -> Iterator {
    Iterator(container: container, position: container.range.lowerBound + 1)
  }
}

/// The elements of an array, found one after the other.
public struct JSONElements: Sequence, Sendable {
  let container: JSONSlice

  public struct Iterator: IteratorProtocol {
    let container: JSONSlice
    var position: Int

    public mutating func next() -> JSONSlice? {
      guard container.kind == .array else { return nil }
      let found = container.document.withUnsafeBufferPointer { bytes -> Range<Int>? in
        let value = JSONScanner.skipToToken(bytes, position)
        guard value < container.range.upperBound, bytes[value] != UInt8(ascii: "]") else { return nil }
        return value..<JSONScanner.skipValue(bytes, value)
      }
      guard let found else { return nil }
      position = found.upperBound
      return JSONSlice(document: container.document, range: found, traits: container.traits)
    }
  }

  public func makeIterator() -> Iterator {
    Iterator(container: container, position: container.range.lowerBound + 1)
  }
}
