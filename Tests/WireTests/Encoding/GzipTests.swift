import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct GzipTests {
  /// 200,000 spaces in 227 bytes.
  static let bomb: [UInt8] = {
    let base64 =
      "H4sIAAAAAAACA+3BMQEAAADCoCrrn9IM/kABAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      + "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      + "AAAAAAAAAAAAAAAAAAAAAAAK8BMWFiEEANAwA="
    return Base64.decode(base64.utf8) ?? []
  }()

  /// A member with stored blocks only, which needs no compressor.
  static func stored(_ text: [UInt8]) -> [UInt8] {
    var output: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    let length = UInt16(text.count)
    output += [1, UInt8(length & 0xFF), UInt8(length >> 8), UInt8(~length & 0xFF), UInt8(~length >> 8)] + text
    for value in [checksum(text), UInt32(text.count)] {
      output += [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) }
    }
    return output
  }

  private static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var value = UInt32.max
    for byte in bytes {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
  }

  private let hello = GzipTests.stored(Array("hello".utf8))

  @Test func decodes() throws {
    #expect(try Gzip.decode(hello, maximumBytes: 100) == Array("hello".utf8))
    #expect(try Gzip.decode(Self.stored([]), maximumBytes: 0) == [])
    #expect(try Gzip.decode(Self.bomb, maximumBytes: .max) == [UInt8](repeating: 0x20, count: 200_000))
  }

  @Test func membersAreOneText() throws {
    #expect(try Gzip.decode(hello + Self.stored([]) + hello, maximumBytes: 10) == Array("hellohello".utf8))
    #expect(throws: GzipError.tooLarge(maximumBytes: 9)) { try Gzip.decode(hello + hello, maximumBytes: 9) }
  }

  @Test(arguments: [0, 1, 1023, 1024, 1025, 100_000, 199_999])
  func isBounded(_ limit: Int) {
    #expect(throws: GzipError.tooLarge(maximumBytes: limit)) { try Gzip.decode(Self.bomb, maximumBytes: limit) }
  }

  @Test func takesExactlyTheLimit() throws {
    #expect(try Gzip.decode(Self.bomb, maximumBytes: 200_000).count == 200_000)
    #expect(try Gzip.decode(hello, maximumBytes: 5).count == 5)
    #expect(throws: GzipError.tooLarge(maximumBytes: 4)) { try Gzip.decode(hello, maximumBytes: 4) }
    #expect(throws: GzipError.tooLarge(maximumBytes: 0)) { try Gzip.decode(hello, maximumBytes: -5) }
  }

  @Test func refusesWhatFollows() {
    #expect(throws: GzipError.trailingBytes) { try Gzip.decode(hello + [0], maximumBytes: 100) }
    #expect(throws: GzipError.trailingBytes) { try Gzip.decode(hello + [0x1F], maximumBytes: 100) }
    #expect(throws: GzipError.truncated) { try Gzip.decode(hello + [0x1F, 0x8B], maximumBytes: 100) }
  }

  @Test func refusesEveryCut() {
    for length in 0..<hello.count {
      #expect(throws: GzipError.self, "\(length)") { try Gzip.decode(Array(hello.prefix(length)), maximumBytes: 100) }
    }
    for length in 2..<Self.bomb.count {
      #expect(throws: GzipError.truncated, "\(length)") {
        try Gzip.decode(Array(Self.bomb.prefix(length)), maximumBytes: 200_000)
      }
    }
  }

  @Test func refusesWhatIsNotGzip() {
    #expect(throws: GzipError.notGzip) { try Gzip.decode(Array("{}".utf8), maximumBytes: 100) }
    #expect(throws: GzipError.truncated) { try Gzip.decode([], maximumBytes: 100) }
    var broken = hello
    broken[hello.count - 5] ^= 1
    #expect(throws: GzipError.corrupt) { try Gzip.decode(broken, maximumBytes: 100) }
  }

  @Test func noByteTraps() {
    var random = SeededGenerator(7)
    for _ in 0..<3000 {
      var bytes = Self.bomb
      for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = .random(in: 0...255, using: &random) }
      if let text = try? Gzip.decode(bytes, maximumBytes: 300_000) { #expect(text.count <= 300_000) }
    }
  }
}
