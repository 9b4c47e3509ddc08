/// Reads little-endian numbers from the embedded data, whose form the build fixes.
struct PackedReader {
  private let base: UnsafePointer<UInt8>
  let count: Int

  init(_ base: UnsafePointer<UInt8>, _ count: Int) {
    self.base = base
    self.count = count
  }

  @inline(__always)
  func u8(at index: Int) -> UInt8 {
    precondition(index < count, "the embedded token data is cut")
    return base[index]
  }

  @inline(__always)
  func u24(at index: Int) -> Int { Int(u8(at: index)) | Int(u8(at: index + 1)) << 8 | Int(u8(at: index + 2)) << 16 }

  func u32(at index: Int) -> Int { u24(at: index) | Int(u8(at: index + 3)) << 24 }
}
