import Glibc

/// Keeps a second simulator away from a state directory. Ends with the process, however that ends.
final class StateLock: Sendable {
  private let descriptor: CInt

  init(directory: String) throws(SimulatorError) {
    let path = directory + "/lock"
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system("cannot write the state directory \(directory)") }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      throw SimulatorError("the state directory \(directory) is in use by another simulator; choose another --state")
    }
  }

  deinit { close(descriptor) }
}
