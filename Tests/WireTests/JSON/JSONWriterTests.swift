import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct JSONWriterTests {
  @Test func placesCommas() {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("a")
    writer.beginArray()
    writer.int(1)
    writer.string("b")
    writer.beginObject()
    writer.endObject()
    writer.null()
    writer.endArray()
    writer.key("c")
    writer.bool(true)
    writer.key("d")
    writer.raw("[1, 2]".utf8)
    writer.endObject()
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "{\"a\":[1,\"b\",{},null],\"c\":true,\"d\":[1, 2]}")
  }

  @Test func escapesWhatMustBe() {
    var writer = JSONWriter()
    writer.string("\u{0}\u{1F}\n\r\t\"\\/\u{7F}\u{85}\u{2027}\u{2028}\u{2029}\u{202A}\u{E9}")
    #expect(
      String(decoding: writer.bytes, as: UTF8.self)
        == "\"\\u0000\\u001f\\n\\r\\t\\\"\\\\/\u{7F}\u{85}\u{2027}\\u2028\\u2029\u{202A}\u{E9}\"")
  }

  @Test func repairsInvalidUTF8() {
    var writer = JSONWriter()
    writer.string(utf8: [0x61, 0xFF, 0x62, 0xE2, 0x80])
    #expect(String(decoding: writer.bytes, as: UTF8.self) == "\"a\u{FFFD}b\u{FFFD}\"")
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func whatIsWrittenIsReadAgain(_ seed: UInt64) throws {
    var random = SeededGenerator(seed)
    let scalars: [Unicode.Scalar] = [
      "\"", "\\", "\n", "\u{0}", "a", "b", "\u{E9}", "\u{2028}", "\u{2029}", "\u{2030}", "\u{1F600}", "\u{E000}",
    ]
    for _ in 0..<1000 {
      var text = ""
      for _ in 0..<Int.random(in: 0...40, using: &random) {
        text.unicodeScalars.append(scalars.randomElement(using: &random) ?? "x")
      }
      var writer = JSONWriter()
      writer.string(text)
      #expect(try JSONSlice.parse(writer.bytes).string?.utf8.elementsEqual(text.utf8) == true)
      #expect(!writer.bytes.contains(0x0A))
    }
  }
}
