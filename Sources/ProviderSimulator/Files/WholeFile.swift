import Glibc

/// Small files in one go, at the start.
enum WholeFile {
  static let maximumBytes = 1 << 20

  static func read(_ path: String) throws(SimulatorError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot read \(path)") }
    defer { close(descriptor) }
    return try DescriptorIO.read(descriptor, at: 0, count: maximumBytes, named: path)
  }

  /// Readers see the old content or the new one, never a part.
  static func write(_ bytes: [UInt8], to path: String) throws(SimulatorError) {
    let temporary = path + ".tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system("cannot write \(path)") }
    defer { close(descriptor) }
    try DescriptorIO.write(bytes, to: descriptor, named: path)
    if rename(temporary, path) != 0 { throw .system("cannot write \(path)") }
  }
}
