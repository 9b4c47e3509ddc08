import Glibc

/// What stops the simulator, or one request inside it, in one line.
struct SimulatorError: Error, Hashable, Sendable, CustomStringConvertible {
  var description: String

  init(_ description: String) {
    self.description = description
  }

  /// A failed system call, with the reason in the words of the system.
  static func system(_ action: String, _ number: CInt = errno) -> SimulatorError {
    SimulatorError("\(action): \(String(cString: strerror(number)))")
  }
}
