import Glibc

/// The two result files of a batch while they are written. Blocks: for owned threads only.
struct BatchOutput: Sendable {
  private let directory: String
  let outputID: String
  let errorID: String
  private(set) var outputBytes = 0
  private(set) var errorBytes = 0

  /// Ids that depend on the batch only, so that a run after a restart replaces the files of the run before it.
  init(directory: String, batchID: String) throws(SimulatorError) {
    self.directory = directory
    outputID = "file-" + IDSource.fixed("output of \(batchID)")
    errorID = "file-" + IDSource.fixed("errors of \(batchID)")
    for id in [outputID, errorID] {
      let path = part(id)
      if unlink(path) != 0 && errno != ENOENT { throw .system("cannot remove \(path)") }
    }
  }

  mutating func append(output: [UInt8], errors: [UInt8]) throws(SimulatorError) {
    try Self.append(output, part(outputID))
    try Self.append(errors, part(errorID))
    outputBytes += output.count
    errorBytes += errors.count
  }

  /// Gives the files their names. An empty one does not exist, but for the error file where it is to.
  func finish(keepsEmptyErrors: Bool = false) throws(SimulatorError) {
    if keepsEmptyErrors, errorBytes == 0 {
      let path = "\(directory)/\(errorID)"
      let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw .system("cannot write \(path)") }
      close(descriptor)
    }
    for (id, bytes) in [(outputID, outputBytes), (errorID, errorBytes)] where bytes > 0 {
      if rename(part(id), "\(directory)/\(id)") != 0 { throw .system("cannot rename \(part(id))") }
    }
  }

  func abandon() {
    unlink(part(outputID))
    unlink(part(errorID))
  }

  private func part(_ id: String) -> String { "\(directory)/\(id).part" }

  /// Opened anew each time, so that a thousand waiting batches hold no descriptor.
  private static func append(_ bytes: [UInt8], _ path: String) throws(SimulatorError) {
    guard !bytes.isEmpty else { return }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .system("cannot write \(path)") }
    defer { close(descriptor) }
    try DescriptorIO.write(bytes, to: descriptor, named: path)
  }
}
