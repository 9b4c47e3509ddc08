internal import CZlib

/// Decompresses gzip (RFC 1952).
public enum Gzip {
  /// Several members after each other are one text, as gzip itself has it. Never allocates for more than
  /// `maximumBytes` of output and never expands further.
  public static func decode(_ bytes: [UInt8], maximumBytes: Int) throws(GzipError) -> [UInt8] {
    guard bytes.starts(with: [0x1F, 0x8B]) else { throw bytes.isEmpty ? .truncated : .notGzip }
    var stream = z_stream()
    guard millrace_inflate_init_gzip(&stream) == Z_OK else { throw .outOfMemory }
    defer { inflateEnd(&stream) }
    // One byte more than allowed, so that a text of exactly the maximum is told from a longer one.
    let limit = max(0, maximumBytes) &+ 1 > 0 ? max(0, maximumBytes) + 1 : Int.max
    var output: [UInt8] = []
    var consumed = 0
    while true {
      let capacity = min(limit, max(output.count * 2, min(bytes.count, limit / 4) * 4, 1024))
      let status = fill(&output, upTo: capacity, from: bytes, at: &consumed, with: &stream)
      if output.count > max(0, maximumBytes) { throw .tooLarge(maximumBytes: max(0, maximumBytes)) }
      switch status {
      case Z_OK, Z_BUF_ERROR:
        // Room was left, so it was input that ran out.
        if output.count < capacity && consumed == bytes.count { throw .truncated }
      case Z_STREAM_END:
        if consumed == bytes.count { return output }
        guard bytes[consumed...].starts(with: [0x1F, 0x8B]) else { throw .trailingBytes }
        guard inflateReset(&stream) == Z_OK else { throw .corrupt }
      case Z_MEM_ERROR:
        throw .outOfMemory
      default:
        throw .corrupt
      }
    }
  }

  /// Inflates until the output has the capacity, a member ends, or there is no more input.
  private static func fill(
    _ output: inout [UInt8], upTo capacity: Int, from bytes: [UInt8], at consumed: inout Int,
    with stream: inout z_stream
  ) -> Int32 {
    let held = output.count
    var produced = 0
    var status = Z_OK
    // zlib counts in 32 bits.
    let room = min(capacity - held, Int(UInt32.max))
    let piece = [UInt8](unsafeUninitializedCapacity: room) { target, count in
      bytes.withUnsafeBufferPointer { source in
        let input = UnsafeBufferPointer(rebasing: source[consumed...].prefix(Int(UInt32.max)))
        stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
        stream.avail_in = UInt32(input.count)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(room)
        status = inflate(&stream, Z_NO_FLUSH)
        consumed += input.count - Int(stream.avail_in)
        produced = room - Int(stream.avail_out)
        stream.next_in = nil
        stream.next_out = nil
      }
      count = produced
    }
    if held == 0 { output = piece } else { output.append(contentsOf: piece) }
    return status
  }
}
