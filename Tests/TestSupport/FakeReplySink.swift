import Threading
public import Wire
public import Worker

/// A publisher that keeps what it is given. Like the real one it does not end early when its caller is cancelled.
public final class FakeReplySink: ReplySink {
  public struct Published: Sendable {
    public var message: OutboundMessage
    public var outcome: PublishOutcome
  }

  private struct State {
    var published: [Published] = []
    var script: @Sendable (OutboundMessage) -> PublishOutcome = { _ in .confirmed }
  }

  /// Shut, it holds every publish before it happens.
  public let gate = Gate()
  private let state = Locked(State())

  public init() {}

  public func publish(_ messages: [OutboundMessage]) async -> [PublishOutcome] {
    await gate.pass()
    return state.withLock { state in
      messages.map { message in
        let outcome = state.script(message)
        state.published.append(Published(message: message, outcome: outcome))
        return outcome
      }
    }
  }

  /// Decides the outcome of every later message. Called under a lock: it must not call the sink.
  public func script(_ script: @escaping @Sendable (OutboundMessage) -> PublishOutcome) {
    state.withLock { $0.script = script }
  }

  public var published: [Published] { state.withLock { $0.published } }

  /// Messages that were confirmed, in order.
  public var confirmed: [OutboundMessage] {
    state.withLock { state in state.published.filter { $0.outcome == .confirmed }.map(\.message) }
  }

  public func confirmed(to exchange: String) -> [OutboundMessage] { confirmed.filter { $0.exchange == exchange } }
}
