/// The publishes of one channel that the broker has not confirmed yet.
///
/// Confirms name publishes by their number on the channel, from 1; they come singly or for all up to a number, mostly
/// but not always in order. A return names nothing: it is matched by what it carries to an unconfirmed publish that
/// looks the same, and shows in that publish's outcome when its confirm follows. Pure; one value a channel.
struct ConfirmTracker<Entry> {
  enum Settled: Equatable {
    case confirmed
    case returned(code: UInt16, text: String)
    case refused
  }

  private struct Slot {
    var entry: Entry
    var bytes: Int
    var returned: (code: UInt16, text: String)?
  }

  private var slots: [Slot?] = []
  private var head = 0
  /// The number of the slot at `head`.
  private var first: UInt64 = 1
  /// The slot after the last one matched to a return: returns come in the order of their publishes.
  private var afterReturn: UInt64 = 1
  private(set) var count = 0
  private(set) var bytes = 0

  var isEmpty: Bool { count == 0 }

  /// The publish that has waited longest.
  var oldest: Entry? { head < slots.count ? slots[head]?.entry : nil }

  /// Returns the publish's number.
  @discardableResult
  mutating func published(_ entry: Entry, bytes size: Int) -> UInt64 {
    slots.append(Slot(entry: entry, bytes: size))
    count += 1
    bytes += size
    return first + UInt64(slots.count - head) - 1
  }

  /// Hands every publish that a confirm settles to `settle`, in order. Numbers that are settled or were never given
  /// settle nothing.
  mutating func acknowledged(
    tag: UInt64, multiple: Bool, positive: Bool, _ settle: (Entry, Settled) -> Void
  ) {
    let last = first + UInt64(slots.count - head)
    guard tag >= first, multiple || tag < last else { return }
    let range = (multiple ? first : tag)..<(tag < last ? tag + 1 : last)
    for number in range {
      let index = head + Int(number - first)
      guard let slot = slots[index] else { continue }
      slots[index] = nil
      count -= 1
      bytes -= slot.bytes
      if !positive {
        settle(slot.entry, .refused)
      } else if let returned = slot.returned {
        settle(slot.entry, .returned(code: returned.code, text: returned.text))
      } else {
        settle(slot.entry, .confirmed)
      }
    }
    while head < slots.count, slots[head] == nil {
      head += 1
      first += 1
    }
    if head == slots.count || head > 4096 {
      slots.removeSubrange(..<head)
      head = 0
    }
  }

  /// Marks the publish that came back. Returns false if none of the unconfirmed ones looks like it.
  mutating func returned(code: UInt16, text: String, matching isSame: (Entry) -> Bool) -> Bool {
    let last = first + UInt64(slots.count - head)
    let start = min(max(afterReturn, first), last)
    for range in [start..<last, first..<start] {
      for number in range {
        let index = head + Int(number - first)
        guard let slot = slots[index], slot.returned == nil, isSame(slot.entry) else { continue }
        slots[index]?.returned = (code, text)
        afterReturn = number + 1
        return true
      }
    }
    return false
  }

  /// Takes what is unconfirmed, in order; numbers start at 1 again, as they do on a new channel.
  mutating func removeAll() -> [Entry] {
    defer { self = ConfirmTracker() }
    return slots[head...].compactMap { $0?.entry }
  }
}
