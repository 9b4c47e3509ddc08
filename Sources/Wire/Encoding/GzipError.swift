/// Why bytes could not be decompressed.
public enum GzipError: Error, Hashable, Sendable, CustomStringConvertible {
  case notGzip
  case truncated
  /// The data or its checksum is wrong.
  case corrupt
  case trailingBytes
  case tooLarge(maximumBytes: Int)
  case outOfMemory

  public var description: String {
    switch self {
    case .notGzip: "not gzip"
    case .truncated: "gzip data ends early"
    case .corrupt: "gzip data is corrupt"
    case .trailingBytes: "bytes that are not gzip follow the gzip data"
    case .tooLarge(let maximum): "decompresses to more than \(maximum) bytes"
    case .outOfMemory: "out of memory"
    }
  }
}
