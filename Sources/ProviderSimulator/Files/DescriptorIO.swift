import Glibc

/// Whole reads and writes on a descriptor. Blocks: for owned threads only.
enum DescriptorIO {
  static func write(_ bytes: [UInt8], to descriptor: CInt, named name: String) throws(SimulatorError) {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .system("cannot write \(name)")
      }
      done += count
    }
  }

  static func read(
    _ descriptor: CInt, at offset: Int, count: Int, named name: String
  ) throws(SimulatorError) -> [UInt8] {
    var failure: SimulatorError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress! + filled, count - filled, off_t(offset + filled))
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = .system("cannot read \(name)") }
        if got <= 0 { break }
        filled += got
      }
    }
    if let failure { throw failure }
    return bytes
  }
}
