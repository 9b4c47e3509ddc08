import Wire

/// The vector of a text: ten-thousandths between -1 and 1, drawn by a SplitMix64 that is seeded with the first eight
/// bytes of the text's SHA-256. Component i is `(draw mod 20001 - 10000) / 10000`.
struct EmbeddingVector: Sendable {
  private let tenThousandths: [Int]

  init(of text: [UInt8], dimensions: Int) {
    var generator = SeededGenerator(seed: Bytes.word(Bytes.sha256(text)))
    tenThousandths = (0..<dimensions).map { _ in Int(generator.next() % 20_001) - 10_000 }
  }

  /// A JSON array of numbers with four decimals.
  var json: [UInt8] {
    var text: [UInt8] = [UInt8(ascii: "[")]
    text.reserveCapacity(tenThousandths.count * 8 + 2)
    for (index, value) in tenThousandths.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ",")) }
      if value < 0 { text.append(UInt8(ascii: "-")) }
      let magnitude = abs(value)
      text.append(UInt8(ascii: "0") + UInt8(magnitude / 10_000))
      text.append(UInt8(ascii: "."))
      for power in [1000, 100, 10, 1] { text.append(UInt8(ascii: "0") + UInt8(magnitude / power % 10)) }
    }
    text.append(UInt8(ascii: "]"))
    return text
  }

  /// The same numbers as little-endian 32-bit floats, in base64.
  var base64: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(tenThousandths.count * 4)
    for value in tenThousandths {
      let bits = (Float(value) / 10_000).bitPattern
      for shift in [0, 8, 16, 24] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: bits >> shift)) }
    }
    return Base64.encode(bytes)
  }
}
