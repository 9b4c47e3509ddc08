/// A password that no description, reflection or interpolation shows.
public struct Password: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  let bytes: [UInt8]

  public init(_ text: String) {
    bytes = Array(text.utf8)
  }

  init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  public var description: String { "(password)" }
  public var debugDescription: String { "(password)" }
  public var customMirror: Mirror { Mirror(self, children: EmptyCollection()) }
}
