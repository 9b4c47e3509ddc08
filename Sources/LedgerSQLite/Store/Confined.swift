/// State that is touched on one serial queue only, carried to it through `@Sendable` closures.
///
/// Unchecked since the compiler cannot see GRDB's queues: whoever holds one uses it on that queue, or before the queue
/// has work, or after its last.
final class Confined<Value>: @unchecked Sendable {
  /// Nil once released.
  private(set) var value: Value?

  init(_ value: Value) {
    self.value = value
  }

  func release() { value = nil }
}
