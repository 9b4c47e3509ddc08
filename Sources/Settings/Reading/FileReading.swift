import Glibc

/// Reads small files: the configuration itself and files that hold a key.
public enum FileReading {
  /// Why a file cannot be read, as a text that names no content.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// The bytes of a file of at most 4 MiB.
  public static func read(_ path: String) throws(Failure) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(description: text(of: errno)) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Failure(description: text(of: errno)) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      guard bytes.count <= 4 << 20 else { throw Failure(description: "the file is larger than 4 MiB") }
    }
  }

  private static func text(of code: CInt) -> String {
    switch code {
    case ENOENT: "there is no such file"
    case EACCES: "the permission is missing"
    case EISDIR: "it is a directory"
    default: String(cString: strerror(code)).lowercased()
    }
  }
}
