import Glibc

/// Names a process so that another on the same machine can tell for certain that it has ended.
///
/// The text is the machine's boot, the namespace of process numbers, the number, and when the process started: a number
/// that is used again is another process, and one of another container or machine says nothing.
struct ProcessIdentity: Hashable, Sendable {
  var text: String

  init(text: String) {
    self.text = text
  }

  /// This process.
  static var current: ProcessIdentity {
    let boot = contents("/proc/sys/kernel/random/boot_id") ?? "unknown"
    let pid = getpid()
    let start = status(of: pid)?.start ?? "unknown"
    return ProcessIdentity(text: "\(boot):\(namespace ?? "unknown"):\(pid):\(start)")
  }

  /// Whether the process is known to have ended. False where this machine cannot tell.
  var hasEnded: Bool {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 4, let pid = pid_t(parts[2]), pid > 0,
      let boot = Self.contents("/proc/sys/kernel/random/boot_id"), parts[0] == boot,
      let namespace = Self.namespace, parts[1] == namespace
    else { return false }
    // A process of another user may be hidden, but not from this.
    if kill(pid, 0) != 0 { return errno == ESRCH }
    guard let status = Self.status(of: pid), parts[3] != "unknown" else { return false }
    return status.start != parts[3] || status.state == "Z" || status.state == "X"
  }

  private static var namespace: String? {
    var buffer = [UInt8](repeating: 0, count: 64)
    let length = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
      guard let start = bytes.baseAddress else { return 0 }
      return unsafe readlink("/proc/self/ns/pid", start.assumingMemoryBound(to: CChar.self), bytes.count)
    }
    guard length > 0 else { return nil }
    return String(decoding: buffer.prefix(length).filter { $0 != UInt8(ascii: ":") }, as: UTF8.self)
  }

  /// State and start of a process, from the fields after its name, which may hold anything.
  private static func status(of pid: pid_t) -> (state: Substring, start: Substring)? {
    guard let text = contents("/proc/\(pid)/stat"), let name = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: name)...].split(separator: " ")
    guard fields.count > 19 else { return nil }
    return (fields[0], fields[19])
  }

  private static func contents(_ path: String) -> String? {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 1024)
    let count = unsafe read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return nil }
    var text = buffer.prefix(count)
    while text.last == UInt8(ascii: "\n") { text.removeLast() }
    return String(decoding: text, as: UTF8.self)
  }
}
