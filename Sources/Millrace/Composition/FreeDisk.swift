import Glibc

/// Room on the disk of a file.
enum FreeDisk {
  /// Bytes that an ordinary user may still write where the path is; nil if the system does not say.
  @concurrent
  static func bytes(at path: String) async -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflow ? nil : Int64(clamping: bytes)
  }
}
