/// SHA-256 by the book (FIPS 180-4), so that the witness depends on nothing that it bears witness about.
struct SHA256: Sendable {
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  private var schedule = [UInt32](repeating: 0, count: 64)

  /// The 32 bytes of the digest.
  static func digest(_ message: some Collection<UInt8>) -> [UInt8] {
    var hash = SHA256()
    let contiguous: [UInt8]? = message.withContiguousStorageIfAvailable { hash.run($0) }
    return contiguous ?? Array(message).withUnsafeBufferPointer { hash.run($0) }
  }

  private mutating func run(_ message: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var offset = 0
    while offset + 64 <= message.count {
      block(UnsafeBufferPointer(rebasing: message[offset..<offset + 64]))
      offset += 64
    }
    var tail = Array(message[offset...])
    tail.append(0x80)
    while tail.count % 64 != 56 { tail.append(0) }
    let bits = UInt64(message.count) &* 8
    for shift in stride(from: 56, through: 0, by: -8) { tail.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift))) }
    for start in stride(from: 0, to: tail.count, by: 64) {
      tail.withUnsafeBufferPointer { block(UnsafeBufferPointer(rebasing: $0[start..<start + 64])) }
    }
    var digest: [UInt8] = []
    digest.reserveCapacity(32)
    for word in state {
      for shift in [24, 16, 8, 0] as [UInt32] { digest.append(UInt8(truncatingIfNeeded: word >> shift)) }
    }
    return digest
  }

  private mutating func block(_ bytes: UnsafeBufferPointer<UInt8>) {
    schedule.withUnsafeMutableBufferPointer { w in
      let raw = UnsafeRawPointer(bytes.baseAddress!)
      for index in 0..<16 {
        w[index] = UInt32(bigEndian: raw.loadUnaligned(fromByteOffset: index &* 4, as: UInt32.self))
      }
      for index in 16..<64 {
        let (near, far) = (w[index &- 2], w[index &- 15])
        let first = Self.rotate(far, 7) ^ Self.rotate(far, 18) ^ (far >> 3)
        let second = Self.rotate(near, 17) ^ Self.rotate(near, 19) ^ (near >> 10)
        w[index] = w[index &- 16] &+ first &+ w[index &- 7] &+ second
      }
      Self.rounds.withUnsafeBufferPointer { k in
        state.withUnsafeMutableBufferPointer { state in
          var (a, b, c, d) = (state[0], state[1], state[2], state[3])
          var (e, f, g, h) = (state[4], state[5], state[6], state[7])
          for index in 0..<64 {
            let upper = Self.rotate(e, 6) ^ Self.rotate(e, 11) ^ Self.rotate(e, 25)
            let t1 = h &+ upper &+ ((e & f) ^ (~e & g)) &+ k[index] &+ w[index]
            let lower = Self.rotate(a, 2) ^ Self.rotate(a, 13) ^ Self.rotate(a, 22)
            let t2 = lower &+ ((a & b) ^ (a & c) ^ (b & c))
            (h, g, f, e, d, c, b, a) = (g, f, e, d &+ t1, c, b, a, t1 &+ t2)
          }
          state[0] &+= a
          state[1] &+= b
          state[2] &+= c
          state[3] &+= d
          state[4] &+= e
          state[5] &+= f
          state[6] &+= g
          state[7] &+= h
        }
      }
    }
  }

  @inline(__always)
  private static func rotate(_ value: UInt32, _ count: UInt32) -> UInt32 {
    (value &>> count) | (value &<< (32 &- count))
  }

  private static let rounds: [UInt32] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
  ]
}
