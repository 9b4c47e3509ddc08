/// A binary heap of small handles, least priority first, in which the priority of a handle can be changed.
///
/// A plain heap with stale entries would do for closing windows on time, but its minimum would be too early whenever a
/// window has slid, and the caller would wake for nothing.
struct IndexedHeap: Sendable {
  private var entries: [(priority: Int64, handle: Int)] = []
  /// Where a handle's entry is, or -1.
  private var positions: [Int] = []

  var minimum: (priority: Int64, handle: Int)? { entries.first }

  mutating func set(_ handle: Int, priority: Int64) {
    while positions.count <= handle { positions.append(-1) }
    let position = positions[handle]
    if position < 0 {
      positions[handle] = entries.count
      entries.append((priority, handle))
      siftUp(entries.count - 1)
    } else {
      let former = entries[position].priority
      entries[position].priority = priority
      if priority < former { siftUp(position) } else { siftDown(position) }
    }
  }

  mutating func remove(_ handle: Int) {
    guard positions.indices.contains(handle), positions[handle] >= 0 else { return }
    let position = positions[handle]
    let last = entries.count - 1
    swap(position, last)
    entries.removeLast()
    positions[handle] = -1
    if position < last {
      siftUp(position)
      siftDown(position)
    }
  }

  private mutating func swap(_ left: Int, _ right: Int) {
    guard left != right else { return }
    entries.swapAt(left, right)
    positions[entries[left].handle] = left
    positions[entries[right].handle] = right
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard entries[child].priority < entries[parent].priority else { return }
      swap(child, parent)
      child = parent
    }
  }

  private mutating func siftDown(_ start: Int) {
    var parent = start
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < entries.count && entries[child].priority < entries[least].priority {
        least = child
      }
      guard least != parent else { return }
      swap(parent, least)
      parent = least
    }
  }
}
