/// A value that is set once and awaited by at most one task, in either order.
///
/// The second `succeed` or `fail` is ignored and says so, so that a result and a cancellation may race.
@safe
public final class OneShot<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Value, Never>)
    case filled(Value)
    case consumed
  }

  private let state = Locked(State.empty)

  public init() {}

  /// Sets the value. Returns whether this call was the first.
  @discardableResult
  public func succeed(_ value: Value) -> Bool {
    let (first, continuation) = state.withLock { state -> (Bool, CheckedContinuation<Value, Never>?) in
      switch state {
      case .empty:
        state = .filled(value)
        return (true, nil)
      case .waiting(let continuation):
        state = .consumed
        return (true, continuation)
      case .filled, .consumed:
        return (false, nil)
      }
    }
    continuation?.resume(returning: value)
    return first
  }

  /// The value, when it is there. Await it once.
  public var value: Value {
    get async {
      await withCheckedContinuation { continuation in
        let ready = state.withLock { state -> Value? in
          switch state {
          case .empty:
            state = .waiting(continuation)
            return nil
          case .filled(let value):
            state = .consumed
            return value
          case .waiting, .consumed:
            preconditionFailure("a OneShot is awaited once")
          }
        }
        if let ready { continuation.resume(returning: ready) }
      }
    }
  }
}
