/// A ledger operation did not commit.
public struct LedgerError: Error, Sendable, CustomStringConvertible {
  public enum Reason: Hashable, Sendable {
    /// The store cannot be reached or written now (locked, disk full, read-only): waiting may help.
    case unavailable
    /// Another process has it.
    case inUse
    /// It was written by a newer version, or is damaged: waiting does not help.
    case unusable
    /// A statement failed on its data: our own defect.
    case invalid
    /// The ledger was closed.
    case closed
    /// This process was silent for longer than its lease, and another replica has taken over what it held: nothing that it
    /// remembers may be acted upon.
    case fenced
  }

  public var reason: Reason
  /// One line that names the store, what happened and what to do.
  public var message: String

  public init(_ reason: Reason, _ message: String) {
    self.reason = reason
    self.message = message
  }

  public var description: String { message }
}
