extension JSONSlice {
  /// Appends the value as it is spelled, without the whitespace between its tokens.
  func appendCompact(to output: inout [UInt8]) {
    raw.withUnsafeBufferPointer { bytes in
      var (start, index) = (0, 0)
      while index < bytes.count {
        switch bytes[index] {
        case UInt8(ascii: "\""): index = JSONScanner.skipString(bytes, index)
        case 0x20, 0x09, 0x0A, 0x0D:
          output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
          index = JSONScanner.skipWhitespace(bytes, index)
          start = index
        default: index += 1
        }
      }
      output.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }
  }
}
