package import Ledger

/// Replies that were taken from the outbox and are not ended: what a confirm of a row ends. What is put in again later
/// has a place that is not among these, so it is published again.
///
/// Bounded by what the publisher has in hand.
package struct TakenReplies {
  /// Nearly every row has one place; it needs no array.
  private var first: [RequestID: Int64] = [:]
  private var others: [RequestID: [Int64]] = [:]

  package init() {}

  package mutating func insert(_ id: RequestID, at place: Int64) {
    if first[id] == nil { first[id] = place } else { others[id, default: []].append(place) }
  }

  package func places(of rows: [RequestID]) -> [Int64] {
    var places: [Int64] = []
    places.reserveCapacity(rows.count)
    for row in rows {
      if let place = first[row] { places.append(place) }
      if !others.isEmpty { places += others[row] ?? [] }
    }
    return places
  }

  /// Forgets these places of the rows, and no others: a row may have been taken again meanwhile.
  package mutating func remove(_ rows: [RequestID], at places: [Int64]) {
    if others.isEmpty && rows.count == places.count {
      for (row, place) in zip(rows, places) where first[row] == place { first[row] = nil }
      return
    }
    let ended = Set(places)
    for row in rows {
      let rest = self.places(of: [row]).filter { !ended.contains($0) }
      first[row] = rest.first
      others[row] = rest.count > 1 ? Array(rest.dropFirst()) : nil
    }
  }
}
