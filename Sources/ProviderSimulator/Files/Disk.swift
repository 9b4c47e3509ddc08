import Glibc
import Threading

/// The contents of files, in one directory, read and written on a thread of its own.
actor Disk {
  private let thread: EventThread
  nonisolated let directory: String

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Makes the directory if need be, and removes what uploads that were cut off have left.
  init(directory: String) throws(SimulatorError) {
    self.directory = directory
    if mkdir(directory, 0o755) != 0 && errno != EEXIST { throw .system("cannot make \(directory)") }
    for name in Self.names(in: directory) where name.hasSuffix(".part") { unlink("\(directory)/\(name)") }
    thread = EventThread(name: "sim-disk")
  }

  nonisolated func path(of id: String) -> String { "\(directory)/\(id)" }

  /// Opens a file that takes its name only when it is ``finish``ed.
  func create(_ id: String) throws(SimulatorError) -> CInt {
    let descriptor = open(path(of: id) + ".part", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system("cannot write a file in \(directory)") }
    return descriptor
  }

  func write(_ bytes: [UInt8], to descriptor: CInt) throws(SimulatorError) {
    try DescriptorIO.write(bytes, to: descriptor, named: directory)
  }

  func finish(_ descriptor: CInt, as id: String) throws(SimulatorError) {
    close(descriptor)
    if rename(path(of: id) + ".part", path(of: id)) != 0 { throw .system("cannot rename a file in \(directory)") }
  }

  func abandon(_ descriptor: CInt, _ id: String) {
    close(descriptor)
    unlink(path(of: id) + ".part")
  }

  func remove(_ id: String) { unlink(path(of: id)) }

  /// Returns `nil` if there is none.
  func openForReading(_ path: String) -> CInt? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    return descriptor < 0 ? nil : descriptor
  }

  /// At most so many bytes; empty at the end of the file.
  func read(_ descriptor: CInt, at offset: Int, count: Int) throws(SimulatorError) -> [UInt8] {
    try DescriptorIO.read(descriptor, at: offset, count: count, named: directory)
  }

  func closeReading(_ descriptor: CInt) { close(descriptor) }

  func removeAll() {
    for name in Self.names(in: directory) { unlink("\(directory)/\(name)") }
  }

  nonisolated func stop() async { await thread.stop() }

  private static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }
}
