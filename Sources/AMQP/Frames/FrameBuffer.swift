/// Frames on their way out: encoded at the tail, taken by the socket at the head.
///
/// Only whole frames are ever appended, so that whoever writes next continues on a frame boundary.
struct FrameBuffer {
  enum FrameType: UInt8 {
    case method = 1
    case header = 2
    case body = 3
    case heartbeat = 8
  }

  /// Octets around a frame's payload.
  static let overhead = 8
  private static let end: UInt8 = 0xCE

  private var bytes: [UInt8] = []
  private var head = 0

  var pending: Int { bytes.count - head }

  mutating func append(
    _ type: FrameType, channel: UInt16, _ payload: (inout FieldWriter) throws(FieldError) -> Void
  ) throws(FieldError) {
    let start = bytes.count
    var writer = FieldWriter(bytes)
    bytes = []  // The writer must be the only owner, or every frame would copy the buffer.
    writer.uint8(type.rawValue)
    writer.uint16(channel)
    writer.uint32(0)
    do throws(FieldError) {
      try payload(&writer)
    } catch {
      bytes = writer.finish()
      bytes.removeSubrange(start...)
      throw error
    }
    writer.patchUInt32(writer.count - start - 7, at: start + 3)
    writer.uint8(Self.end)
    bytes = writer.finish()
  }

  mutating func appendHeartbeat() {
    bytes.append(contentsOf: [FrameType.heartbeat.rawValue, 0, 0, 0, 0, 0, 0, Self.end])
  }

  /// What was appended after `mark`, which `tail` gave, is dropped. Nothing may have been written since.
  mutating func rollBack(to mark: Int) {
    bytes.removeSubrange(mark...)
  }

  var tail: Int { bytes.count }

  /// The size of the last frame's payload, which began at `mark`.
  func payloadSize(from mark: Int) -> Int { bytes.count - mark - Self.overhead }

  /// Gives the bytes not yet written to `write`, which says how many it took.
  mutating func drain<Failure: Error>(
    _ write: (UnsafeRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    let head = head
    var taken = 0
    var failure: Failure?
    unsafe bytes.withUnsafeBytes { all in
      do throws(Failure) {
        taken = try unsafe write(UnsafeRawBufferPointer(rebasing: all[head...]))
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    self.head += taken
    if self.head == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
      self.head = 0
    } else if self.head > 1 << 18 {
      bytes.removeSubrange(..<self.head)
      self.head = 0
    }
    return taken
  }
}
