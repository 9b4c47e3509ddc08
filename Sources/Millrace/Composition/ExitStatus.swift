import ArgumentParser
import Glibc

/// How a command ends, by the conventions of sysexits.h.
enum ExitStatus {
  static let configuration = ExitCode(78)
  static let unavailable = ExitCode(69)
  static let failure = ExitCode(1)
}

/// Writes to standard error, for what a person must see whatever the log level is.
func complain(_ line: String) {
  var bytes = Array(line.utf8)
  bytes.append(UInt8(ascii: "\n"))
  var start = 0
  while start < bytes.count {
    let written = bytes[start...].withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
    if written <= 0 { return }
    start += written
  }
}
