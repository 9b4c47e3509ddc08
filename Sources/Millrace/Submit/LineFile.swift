import Glibc
import Wire

/// The lines of a JSONL file, read a piece at a time.
struct LineFile: ~Copyable {
  struct Unreadable: Error, CustomStringConvertible {
    var description: String
  }

  private let descriptor: CInt
  private let path: String
  private var splitter = JSONLineSplitter(maximumLineBytes: 128 << 20)
  private var ended = false

  init(path: String) throws(Unreadable) {
    self.path = path
    descriptor = path == "-" ? dup(0) : open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw Unreadable(description: "\(path): \(String(cString: strerror(errno)))") }
  }

  deinit { close(descriptor) }

  /// The next lines, at least one; nil at the end of the file.
  mutating func next() throws(Unreadable) -> [[UInt8]]? {
    while !ended {
      let chunk = try read()
      do throws(JSONLineError) {
        if chunk.isEmpty {
          ended = true
          return splitter.finish().map { [$0] }
        }
        let lines = try splitter.append(chunk)
        if !lines.isEmpty { return lines }
      } catch {
        throw Unreadable(description: "\(path): \(error)")
      }
    }
    return nil
  }

  private func read() throws(Unreadable) -> [UInt8] {
    var status = 0
    let chunk = [UInt8](unsafeUninitializedCapacity: 256 << 10) { buffer, count in
      repeat { status = Glibc.read(descriptor, buffer.baseAddress, buffer.count) } while status < 0 && errno == EINTR
      count = max(0, status)
    }
    if status < 0 { throw Unreadable(description: "\(path): \(String(cString: strerror(errno)))") }
    return chunk
  }
}
