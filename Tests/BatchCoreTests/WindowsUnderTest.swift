import BatchCore

/// `Windows` behind a reference, since the expectation macros copy what they call.
final class WindowsUnderTest {
  private var windows: Windows

  init(_ limits: WindowLimits) {
    windows = Windows { _ in limits }
  }

  var openCount: Int { windows.openCount }
  var itemCount: Int { windows.itemCount }
  var nextDeadline: Timestamp? { windows.nextDeadline }

  func add(_ item: WindowItem, to key: WindowKey, at now: Timestamp) -> [ClosedWindow] {
    windows.add(item, to: key, at: now)
  }

  func tick(_ now: Timestamp) -> [ClosedWindow] { windows.tick(now) }
  func remove(_ id: Int64) -> Bool { windows.remove(id) }
  func removeAll(where matches: (Int64) -> Bool) { windows.removeAll(where: matches) }
  func drain() -> [ClosedWindow] { windows.drain() }
  func contains(_ id: Int64) -> Bool { windows.contains(id) }
  func closedCount(by trigger: WindowTrigger) -> Int { windows.closedCount(by: trigger) }
}
