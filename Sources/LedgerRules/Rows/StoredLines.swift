package import Ledger

/// Lines of a batch as bytes: whole numbers of 1 to 10 bytes each, seven bits a byte.
package enum StoredLines {
  private static let version: UInt64 = 1

  package static func encode(_ lines: BatchLines) -> [UInt8] {
    var bytes: [UInt8] = []
    func append(_ number: Int64) {
      var rest = UInt64(bitPattern: number)
      while rest >= 0x80 {
        bytes.append(UInt8(rest & 0x7F) | 0x80)
        rest >>= 7
      }
      bytes.append(UInt8(rest))
    }
    append(Int64(version))
    for number in [Int64(lines.count), lines.bodyBytes, lines.modelRangeBytes, lines.customIDBytes] { append(number) }
    append(Int64(lines.shared.count))
    for members in lines.shared {
      append(Int64(members.count))
      var last: Int64 = 0
      for member in members {
        // Ids of neighbours are near each other.
        append(zigzag(member.id.rawValue &- last))
        append(Int64(member.inputs))
        append(member.tokens)
        last = member.id.rawValue
      }
    }
    return bytes
  }

  /// Nil for what `encode` has not written.
  package static func decode(_ bytes: [UInt8]) -> BatchLines? {
    var rest = bytes[...]
    func number() -> Int64? {
      var (value, shift): (UInt64, UInt64) = (0, 0)
      while let byte = rest.popFirst() {
        guard shift < 63 || (shift == 63 && byte <= 1) else { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return Int64(bitPattern: value) }
        shift += 7
      }
      return nil
    }
    /// No more than what is left can hold.
    func count() -> Int? { number().flatMap { $0 >= 0 && $0 <= rest.count ? Int($0) : nil } }
    guard number() == Int64(version), let lines = number().flatMap({ Int(exactly: $0) }), let bodyBytes = number(),
      let modelRangeBytes = number(), let customIDBytes = number(), let sharedCount = count()
    else { return nil }
    var decoded = BatchLines(
      count: lines, bodyBytes: bodyBytes, modelRangeBytes: modelRangeBytes, customIDBytes: customIDBytes)
    for _ in 0..<sharedCount {
      guard let memberCount = count() else { return nil }
      var members: [BatchLines.Member] = []
      var last: Int64 = 0
      for _ in 0..<memberCount {
        guard let step = number(), let inputs = number(), inputs > 0, inputs <= 1 << 32, let tokens = number() else {
          return nil
        }
        last = last &+ unzigzag(step)
        members.append(BatchLines.Member(id: RequestID(last), inputs: Int(inputs), tokens: tokens))
      }
      decoded.shared.append(members)
    }
    return rest.isEmpty ? decoded : nil
  }

  private static func zigzag(_ number: Int64) -> Int64 { (number << 1) ^ (number >> 63) }
  private static func unzigzag(_ number: Int64) -> Int64 {
    Int64(bitPattern: UInt64(bitPattern: number) >> 1) ^ -(number & 1)
  }
}
