/// A queue whose front leaves without moving the rest.
struct FIFO<Element> {
  private var elements: [Element?] = []
  private var head = 0

  var count: Int { elements.count - head }
  var isEmpty: Bool { count == 0 }
  var first: Element? { isEmpty ? nil : elements[head] }

  mutating func append(_ element: Element) { elements.append(element) }

  mutating func popFirst() -> Element? {
    if isEmpty { return nil }
    defer {
      elements[head] = nil
      head += 1
      // What has left takes at most as much room as what is there.
      if head > 16, head * 2 >= elements.count {
        elements.removeFirst(head)
        head = 0
      }
    }
    return elements[head]
  }

  /// Takes the last that meets the condition.
  mutating func popLast(where isWanted: (Element) -> Bool) -> Element? {
    for index in elements.indices.dropFirst(head).reversed() {
      if let element = elements[index], isWanted(element) {
        elements.remove(at: index)
        return element
      }
    }
    return nil
  }

  /// Takes out what meets the condition, in order.
  mutating func remove(where isOut: (Element) -> Bool) -> [Element] {
    var out: [Element] = []
    var kept: [Element?] = []
    for case let element? in elements[head...] {
      if isOut(element) { out.append(element) } else { kept.append(element) }
    }
    if out.isEmpty { return [] }
    elements = kept
    head = 0
    return out
  }
}
