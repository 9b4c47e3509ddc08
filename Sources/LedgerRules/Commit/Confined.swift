/// State that is touched on one serial queue only, carried to it through `@Sendable` closures.
///
/// Unchecked since the compiler cannot see GRDB's queues: whoever holds one uses it on that queue, or before the queue
/// has work, or after its last.
package final class Confined<Value>: @unchecked Sendable {
  /// Nil once released.
  package private(set) var value: Value?

  package init(_ value: Value) {
    self.value = value
  }

  package func release() { value = nil }
}
