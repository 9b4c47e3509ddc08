import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct SpellingTests {
  /// Computed with another implementation, for lengths around the borders of a block.
  @Test(arguments: [
    (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    (3, "6ab0dba1f4f1dfbb37b4f9eeb092c09fca4900ad32bdcd147d8dde35d6c87c35"),
    (55, "81afe5b788dc2ce138ff83d9b20164db75a94d75d2b2432eea4a0ef605088c72"),
    (56, "2aba54f0ac632420a2b502431408866e40e1d5e430df4cd822642c78ab2eb9c1"),
    (63, "733d3d4ee79ee67145bf73da13588f6f235d37414fc64b14a2f00f1762792f5e"),
    (64, "79322907b3e9d013d7dc2c2f256674dbf733045cde01df3539271c6f5605feb8"),
    (65, "d85c007c6eb440f085afa2b84f6f2bce4658b240e9f62cb1364bf0485a57e720"),
    (119, "6c87eedf096b345de205b702e5223b73b447a3207791ded3ea007ba15ed6736e"),
    (120, "42500cf6a1e3936d6b9e0bcfe296d654b63255e525487d3634d0b15fde591c4d"),
    (1000, "6b0df76627243d095b0c4400cb658b7e804dd03461cc03aee8fc8fe0bcada168"),
  ])
  func digests(length: Int, expected: String) {
    let message = (0..<length).map { UInt8(truncatingIfNeeded: $0 * 7 + length) }
    #expect(String(decoding: Bytes.hex(Bytes.sha256(message)), as: UTF8.self) == expected)
  }

  @Test func canonicalSpelling() throws {
    let source = ##"""
      [ {"role" : "user", "content":"a\u00e9\n\t\u0001\"\\\/ \ud83d\ude00 \ud83d \u2028"  , "n":[1.50, -2e3 ,true,null]} ]
      """##
    let slice = try JSONSlice.parse(Array(source.utf8))
    let expected =
      #"[{"role":"user","content":"aé\n\t\u0001\"\\/ 😀 \ud83d "# + "\u{2028}" + #"","n":[1.50,-2e3,true,null]}]"#
    #expect(String(decoding: CanonicalJSON.spell(slice.raw), as: UTF8.self) == expected)
  }

  @Test func spellingOfTheSamePromptIsOne() throws {
    let plain = try JSONSlice.parse(Array("[\"a/b\u{2028}é\"]".utf8))
    let escaped = try JSONSlice.parse(Array(#"[ "a\/b\u2028\u00E9" ]"#.utf8))
    #expect(CanonicalJSON.spell(plain.raw) == CanonicalJSON.spell(escaped.raw))
    let other = try JSONSlice.parse(Array(#"["a\\/b\u2028\u00E9"]"#.utf8))
    #expect(CanonicalJSON.spell(plain.raw) != CanonicalJSON.spell(other.raw))
  }

  @Test func prefixCutsNoCharacter() {
    let text = Array("aé😀".utf8)
    let prefixes = (0...8).map { String(decoding: Bytes.prefix(text, maximum: $0), as: UTF8.self) }
    #expect(prefixes == ["", "a", "a", "aé", "aé", "aé", "aé", "aé😀", "aé😀"])
    #expect(Bytes.prefix([0x80, 0x80, 0x80], maximum: 1).isEmpty)
  }

  @Test(arguments: [
    (0, "0s"), (-5, "0s"), (20, "20ms"), (1000, "1s"), (1500, "1.5s"), (1001, "1.001s"), (60_000, "1m0s"),
    (360_000, "6m0s"), (3_723_400, "1h2m3.4s"), (3_600_000, "1h0m0s"),
  ])
  func goDurations(milliseconds: Int, expected: String) {
    #expect(GoDuration.text(milliseconds: milliseconds) == expected)
  }

  @Test func queries() throws {
    let query = Query("/v1/files?limit=5&after=file-a%2Fb+c&flag&x=1=2")
    #expect(query["after"] == "file-a/b c")
    #expect(query["flag"] == "")
    #expect(query["x"] == "1=2")
    #expect(try query.number("limit", 1...10, default: 1) == 5)
    #expect(try query.number("absent", 1...10, default: 7) == 7)
    #expect(throws: APIError.self) { try query.number("limit", 1...4, default: 1) }
    #expect(throws: APIError.self) { try query.number("flag", 1...4, default: 1) }
  }
}
