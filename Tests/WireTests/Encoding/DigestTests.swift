import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct DigestTests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
  ])
  func knownHashes(_ text: String, _ hex: String) {
    #expect(SHA256Digest.of(text.utf8).hex == hex)
    #expect(SHA256Digest(hex: hex) == SHA256Digest.of(Array(text.utf8)))
  }

  @Test func piecesDoNotMatter() {
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
    var hasher = SHA256()
    for start in stride(from: 0, to: 1000, by: 7) { hasher.update(bytes[start..<min(1000, start + 7)]) }
    let digest = hasher.finalize()
    #expect(digest == SHA256Digest.of(bytes))
    #expect(SHA256Digest(digest.bytes) == digest)
    #expect(digest.matches(digest))
    #expect(!digest.matches(SHA256Digest.of([])))
    #expect(SHA256Digest([1, 2, 3]) == nil)
    #expect(SHA256Digest(hex: String(repeating: "g", count: 64)) == nil)
  }

  @Test func knownSignatures() {
    // RFC 4231, cases 2 and 6.
    #expect(
      HMACSHA256.sign("what do ya want for nothing?".utf8, key: "Jefe".utf8).hex
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    #expect(
      HMACSHA256.sign(
        "Test Using Larger Than Block-Size Key - Hash Key First".utf8, key: [UInt8](repeating: 0xAA, count: 131)
      ).hex
        == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
    ("foobar", "Zm9vYmFy"),
  ])
  func base64(_ text: String, _ encoded: String) {
    #expect(Base64.encode(text.utf8) == Array(encoded.utf8))
    #expect(Base64.decode(encoded.utf8) == Array(text.utf8))
  }

  @Test(arguments: ["Z", "Zg", "Zg=", "Zg===", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9-", "=Zg="])
  func base64IsStrict(_ text: String) {
    #expect(Base64.decode(text.utf8) == nil)
  }

  @Test func base64OfEveryByte() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Base64.decode(Base64.encode(bytes)) == bytes)
  }
}
