/// The open windows of one replica: requests go in, closed windows come out.
///
/// ```
///            add                       add: a limit is reached, or the next request would pass it
///  (none) ---------> open --------------------------------------------------------------> closed
///                    |  ^ add: closing time = the earliest of now + idle,                    ^
///                    |__| first arrival + maximum age, and every request's own closeBy      |
///                    |_____________________________________________________________________|
///                             tick at or after the closing time; drain
/// ```
/// Only `tick` closes by time, so that what a restart brings back, long due, still travels together.
///
/// Time is passed in and may step backwards: a step back counts as no time, never as an hour in which nothing closes.
public struct Windows: ~Copyable, Sendable {
  private struct Open {
    var key: WindowKey
    var limits: WindowLimits
    var items: [WindowItem] = []
    var tokens: Int64 = 0
    var bytes: Int64 = 0
    var openedAt: Int64
    var latestArrival: Int64
    var closeBy: Int64 = .max

    var closing: (at: Int64, trigger: WindowTrigger) {
      let age = openedAt.addingSaturated(limits.maximumAge.wholeMilliseconds)
      let idle = latestArrival.addingSaturated(limits.idle.wholeMilliseconds)
      if closeBy <= min(age, idle) { return (closeBy, .deadline) }
      return age <= idle ? (age, .age) : (idle, .idle)
    }
  }

  private let limits: @Sendable (WindowKey) -> WindowLimits
  /// Slots of open windows; a freed slot is `nil` and used again.
  private var slots: [Open?] = []
  private var freeSlots: [Int] = []
  private var slotByKey: [WindowKey: Int] = [:]
  private var slotByItem: [Int64: Int] = [:]
  private var closings = IndexedHeap()
  private var closedByTrigger = [Int](repeating: 0, count: WindowTrigger.allCases.count)
  private var latest: Timestamp?
  /// What is added to the caller's time to get ours, which never goes back.
  private var offset: Int64 = 0

  /// - Parameter limits: asked when a window opens; the answer holds for that window.
  public init(limits: @escaping @Sendable (WindowKey) -> WindowLimits) {
    self.limits = limits
  }

  /// How many windows are open.
  public var openCount: Int { slotByKey.count }

  /// How many requests are in open windows.
  public var itemCount: Int { slotByItem.count }

  /// How many windows have closed for that reason so far.
  public func closedCount(by trigger: WindowTrigger) -> Int { closedByTrigger[Int(trigger.rawValue)] }

  /// When `tick` has something to do next, in the caller's time.
  public var nextDeadline: Timestamp? {
    guard let next = closings.minimum else { return nil }
    return callerTime(next.priority)
  }

  public func contains(_ id: Int64) -> Bool { slotByItem[id] != nil }

  /// Puts a request into the window of its key. One that is in an open window already stays where it is.
  ///
  /// A request that reaches a limit by itself travels alone and leaves the open window as it is.
  public mutating func add(_ item: WindowItem, to key: WindowKey, at now: Timestamp) -> [ClosedWindow] {
    let instant = advance(to: now)
    guard slotByItem[item.id] == nil else { return [] }
    var item = item
    item.tokens = max(0, item.tokens)
    item.bytes = max(0, item.bytes)

    let existing = slotByKey[key]
    let limits = existing.flatMap { slots[$0]?.limits } ?? limits(key)
    if let trigger = limits.limitReached(requests: 1, tokens: item.tokens, bytes: item.bytes) {
      closedByTrigger[Int(trigger.rawValue)] += 1
      return [
        ClosedWindow(
          key: key, items: [item.id], tokens: item.tokens, bytes: item.bytes, trigger: trigger,
          openedAt: min(item.arrivedAt, now))
      ]
    }

    var closed: [ClosedWindow] = []
    if let existing, let open = slots[existing],
      let trigger = limits.limitPassed(
        requests: open.items.count + 1, tokens: open.tokens.addingSaturated(item.tokens),
        bytes: open.bytes.addingSaturated(item.bytes))
    {
      closed.append(close(existing, trigger))
    }
    let slot = slotByKey[key] ?? makeSlot(key, at: instant)
    if let trigger = insert(item, into: slot, at: instant, arrivedAt: ourTime(min(item.arrivedAt, now))) {
      closed.append(close(slot, trigger))
    }
    return closed
  }

  /// Closes what is due.
  public mutating func tick(_ now: Timestamp) -> [ClosedWindow] {
    let instant = advance(to: now)
    var closed: [ClosedWindow] = []
    while let next = closings.minimum, next.priority <= instant {
      guard let trigger = slots[next.handle]?.closing.trigger else { break }
      closed.append(close(next.handle, trigger))
    }
    return closed
  }

  /// Takes a request out, for example because it was cancelled. Linear in the size of its window.
  /// - Returns: whether it was in an open window.
  @discardableResult
  public mutating func remove(_ id: Int64) -> Bool {
    guard let slot = slotByItem[id] else { return false }
    removeItems(of: slot) { $0 == id }
    return true
  }

  /// Takes out every request that matches. Linear in the number of requests.
  public mutating func removeAll(where matches: (Int64) -> Bool) {
    for slot in slots.indices where slots[slot] != nil { removeItems(of: slot, where: matches) }
  }

  /// Closes everything.
  public mutating func drain() -> [ClosedWindow] {
    var closed: [ClosedWindow] = []
    while let next = closings.minimum { closed.append(close(next.handle, .drain)) }
    return closed
  }
}

extension Windows {
  private mutating func advance(to now: Timestamp) -> Int64 {
    if let latest, now < latest {
      offset = offset.addingSaturated(latest.milliseconds.subtractingSaturated(now.milliseconds))
    }
    latest = now
    return ourTime(now)
  }

  private func ourTime(_ time: Timestamp) -> Int64 { time.milliseconds.addingSaturated(offset) }

  private func callerTime(_ instant: Int64) -> Timestamp {
    Timestamp(milliseconds: instant.subtractingSaturated(offset))
  }

  private mutating func makeSlot(_ key: WindowKey, at instant: Int64) -> Int {
    let open = Open(key: key, limits: limits(key), openedAt: instant, latestArrival: instant)
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      slots[slot] = open
    } else {
      slot = slots.count
      slots.append(open)
    }
    slotByKey[key] = slot
    return slot
  }

  /// The limit that the window has reached with this request, if any.
  private mutating func insert(
    _ item: WindowItem, into slot: Int, at instant: Int64, arrivedAt: Int64
  ) -> WindowTrigger? {
    var item = item
    // Kept in our time: the offset may be another one when a removal looks at it again.
    if let closeBy = item.closeBy { item.closeBy = Timestamp(milliseconds: ourTime(closeBy)) }
    slotByItem[item.id] = slot
    guard var open = slots[slot].take() else { return nil }
    open.items.append(item)
    open.tokens = open.tokens.addingSaturated(item.tokens)
    open.bytes = open.bytes.addingSaturated(item.bytes)
    open.latestArrival = instant
    open.openedAt = min(open.openedAt, arrivedAt)
    open.closeBy = min(open.closeBy, item.closeBy?.milliseconds ?? .max)
    closings.set(slot, priority: open.closing.at)
    let trigger = open.limits.limitReached(requests: open.items.count, tokens: open.tokens, bytes: open.bytes)
    slots[slot] = open
    return trigger
  }

  private mutating func free(_ slot: Int) -> Open? {
    guard let open = slots[slot].take() else { return nil }
    closings.remove(slot)
    slotByKey[open.key] = nil
    freeSlots.append(slot)
    return open
  }

  private mutating func close(_ slot: Int, _ trigger: WindowTrigger) -> ClosedWindow {
    guard let open = free(slot) else { preconditionFailure("window slot \(slot) closed twice") }
    for item in open.items { slotByItem[item.id] = nil }
    closedByTrigger[Int(trigger.rawValue)] += 1
    return ClosedWindow(
      key: open.key, items: open.items.map(\.id), tokens: open.tokens, bytes: open.bytes, trigger: trigger,
      openedAt: callerTime(open.openedAt))
  }

  private mutating func removeItems(of slot: Int, where matches: (Int64) -> Bool) {
    guard var open = slots[slot].take() else { return }
    var kept: [WindowItem] = []
    for item in open.items {
      if matches(item.id) {
        open.tokens -= item.tokens
        open.bytes -= item.bytes
        slotByItem[item.id] = nil
      } else {
        kept.append(item)
      }
    }
    let isChanged = kept.count != open.items.count
    open.items = kept
    open.closeBy = kept.lazy.compactMap(\.closeBy?.milliseconds).min() ?? .max
    let closing = open.closing.at
    slots[slot] = open
    if kept.isEmpty {
      _ = free(slot)
    } else if isChanged {
      closings.set(slot, priority: closing)
    }
  }
}

extension Int64 {
  func addingSaturated(_ other: Int64) -> Int64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? (other < 0 ? .min : .max) : sum
  }

  func subtractingSaturated(_ other: Int64) -> Int64 {
    let (difference, overflow) = subtractingReportingOverflow(other)
    return overflow ? (other < 0 ? .max : .min) : difference
  }
}
