/// Divides places between interactive work and deferred work that is sent by synchronous calls: nine to one by cost where
/// both wait, and everything to the one that waits alone. A class that waits anew has saved nothing up.
public struct ReservedShare: Sendable {
  /// Of ten parts.
  private static let weight: Int64 = 9

  /// Cost so far by weight: one unit of interactive work counts once, one of deferred work nine times.
  private var interactive: Int64 = 0
  private var deferred: Int64 = 0
  private var interactiveWaited = false
  private var deferredWaited = false

  public init() {}

  /// Which class goes next.
  ///
  /// - Parameters:
  ///   - interactive: Cost of the interactive call that waits, if one does.
  ///   - deferred: The same of deferred work.
  public mutating func next(interactive cost: Int64?, deferred deferredCost: Int64?) -> CallClass? {
    if cost != nil, !interactiveWaited { interactive = max(interactive, deferred) }
    if deferredCost != nil, !deferredWaited { deferred = max(deferred, interactive) }
    interactiveWaited = cost != nil
    deferredWaited = deferredCost != nil
    let base = min(interactive, deferred)
    interactive -= base
    deferred -= base
    switch (cost, deferredCost) {
    case (nil, nil): return nil
    case (_?, nil): return .interactive
    case (nil, _?): return .deferred
    case (let cost?, let deferredCost?):
      return interactive + bounded(cost) <= deferred + bounded(deferredCost) * Self.weight ? .interactive : .deferred
    }
  }

  /// A call of the class went.
  public mutating func charge(_ callClass: CallClass, _ cost: Int64) {
    switch callClass {
    case .interactive: interactive += bounded(cost)
    case .deferred: deferred += bounded(cost) * Self.weight
    }
    // One that was alone owes the other nothing when that comes.
    if !deferredWaited { deferred = max(deferred, interactive) }
    if !interactiveWaited { interactive = max(interactive, deferred) }
  }

  private func bounded(_ cost: Int64) -> Int64 { min(max(1, cost), CallCost.ceiling) }
}
