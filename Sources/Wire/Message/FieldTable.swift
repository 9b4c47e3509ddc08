/// An AMQP header table: entries in wire order, duplicate and empty keys kept as they came.
public struct FieldTable: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public var key: [UInt8]
    public var value: FieldValue

    public init(key: [UInt8], value: FieldValue) {
      self.key = key
      self.value = value
    }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry] = []) {
    self.entries = entries
  }

  public var isEmpty: Bool { entries.isEmpty }

  /// The first value under the key; setting replaces all of them, `nil` removes them.
  public subscript(key: String) -> FieldValue? {
    get { entries.first { $0.key.elementsEqual(key.utf8) }?.value }
    set {
      let first = entries.firstIndex { $0.key.elementsEqual(key.utf8) }
      guard let newValue else {
        if first != nil { entries.removeAll { $0.key.elementsEqual(key.utf8) } }
        return
      }
      guard let first else {
        entries.append(Entry(key: Array(key.utf8), value: newValue))
        return
      }
      entries[first].value = newValue
      entries[(first + 1)...].removeAll { $0.key.elementsEqual(key.utf8) }
    }
  }
}

extension FieldTable: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, FieldValue)...) {
    self.init(elements.map { Entry(key: Array($0.0.utf8), value: $0.1) })
  }
}
