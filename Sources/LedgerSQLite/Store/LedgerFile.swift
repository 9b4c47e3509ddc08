import Glibc
import Ledger
import Threading

/// The ledger's place on disk, held by one process at a time.
///
/// The lock is a file of its own: closing any descriptor of the database itself would drop SQLite's locks.
final class LedgerFile: Sendable {
  let path: String
  private let descriptor: Locked<CInt?>

  /// Makes the folder and the file, readable by the service's user only since requests may be confidential.
  init(path: String) throws(LedgerError) {
    self.path = path
    try Self.makeFolders(of: path)
    try Self.touch(path)
    let lockPath = path + ".lock"
    let descriptor = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure("cannot open \(lockPath)", errno) }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      let holder = Self.read(descriptor)
      close(descriptor)
      guard code == EWOULDBLOCK else { throw Self.failure("cannot lock \(lockPath)", code) }
      throw LedgerError(
        .inUse,
        "ledger \(path) is in use by process \(holder.isEmpty ? "of unknown id" : holder); "
          + "stop it, or give this one a ledger of its own")
    }
    Self.write(String(getpid()), to: descriptor)
    self.descriptor = Locked(descriptor)
  }

  deinit { release() }

  /// Lets another process in. The kernel does the same for a process that dies.
  func release() {
    if let descriptor = descriptor.withLock({ $0.take() }) { close(descriptor) }
  }

  private static func makeFolders(of path: String) throws(LedgerError) {
    let parts = path.split(separator: "/").dropLast()
    var folder = path.hasPrefix("/") ? "" : "."
    for part in parts {
      folder += "/" + part
      if mkdir(folder, 0o700) != 0 && errno != EEXIST {
        let code = errno
        // A parent that may not be written to is fine as long as it is there.
        if access(folder, F_OK) != 0 { throw failure("cannot make the folder \(folder)", code) }
      }
    }
  }

  private static func touch(_ path: String) throws(LedgerError) {
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw failure("cannot open \(path)", errno) }
    close(file)
  }

  private static func failure(_ what: String, _ code: CInt) -> LedgerError {
    LedgerError(
      .unavailable,
      "ledger: \(what): \(String(cString: strerror(code))); check ledger.url and the permissions of the service's user")
  }

  private static func read(_ descriptor: CInt) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let digits = bytes.prefix(max(0, count)).prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
    return String(decoding: digits, as: UTF8.self)
  }

  private static func write(_ text: String, to descriptor: CInt) {
    // Only shown to people: the lock holds without it.
    _ = ftruncate(descriptor, 0)
    let bytes = Array((text + "\n").utf8)
    _ = pwrite(descriptor, bytes, bytes.count, 0)
  }
}
