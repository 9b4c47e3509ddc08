/// A value that no log, error or dump may show.
///
/// Its text forms and its mirror are `***`; only `reveal()` gives the value away.
public struct Secret: Sendable, Hashable {
  private let value: String

  public init(_ value: String) {
    self.value = value
  }

  /// Whether there is nothing to hide.
  public var isEmpty: Bool { value.isEmpty }

  /// The value, to be used where it is sent and nowhere else.
  public func reveal() -> String { value }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  public var description: String { "***" }
  public var debugDescription: String { "***" }
  // Without this `dump` and reflection would walk into the stored value.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
