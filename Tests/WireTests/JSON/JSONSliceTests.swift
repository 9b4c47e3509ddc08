import Testing
import Wire

@Suite(.timeLimit(.minutes(4)))
struct JSONSliceTests {
  static let valid: [String] = [
    "{}", "[]", "null", "true", "false", "0", "-0", "1.5", "-1.5e+10", "1E-2", "\"\"", " [ ] ", "[1,2,3]",
    "{\"a\":1}", "{\"a\":{\"b\":[null,true,{}]}}", "\"\\u0000\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\u{7F}\"",
    "\"\u{2028}\u{2029}\u{85}\"", "\"\u{E9}\u{4F60}\u{1F600}\"", "\"\\uD83D\\uDE00\"", "\r\n{\r\n\"a\"\r\n:1\r\n}\r\n",
    "{\"a\":1,\"a\":2}", "123456789012345678901234567890", "1e999999999", "-1e-999999999999999999999", "\u{FEFF}{}",
    "[[[[[[[[]]]]]]]]", "\"12345678\"", "\"1234567\\\"\"", "[\"\", \"\"]", "\"\u{FEFF}\"", "{\"\":\"\"}",
  ]
  static let invalid: [String] = [
    "", " ", "\n\r\t ", "\u{FEFF}", "{", "[", "\"", "}", "]", ",", ":", "[1,]", "{\"a\":1,}", "{\"a\"}", "{\"a\":}",
    "{a:1}",
    "{1:1}", "[1 2]", "[1,,2]", "[,1]", "{,}", "01", "-", "+1", ".5", "1.", "1.e1", "1e", "1e+", "0x1", "NaN",
    "Infinity", "-Infinity",
    "tru", "nul", "falsee", "True", "'a'", "\"\\x\"", "\"\\u12\"", "\"\\u12G4\"", "\"\\\"", "\"a\nb\"", "\"a\rb\"",
    "\"a\tb\"", "\"a\u{0}b\"",
    "\"\u{1F}\"", "{}{}", "{} x", "[] []", "// a\n{}", "{}\u{0}", "\u{0}", "\u{2028}{}", "[1\u{2028}]", "\u{A0}1",
    "[1\u{85}]", "{} \u{FEFF}", "\u{FEFF}\u{FEFF}{}", "\"abc", "\"abcdefghijkl", "[\"a\",\n4\n,1,", "{\"a\":\"b\"]",
    "[}", "1 1", "--1", "1-", "2.3.4",
  ]

  @Test(arguments: valid)
  func accepts(_ text: String) throws {
    _ = try JSONSlice.parse(Array(text.utf8))
    #expect(ReferenceJSON.accepts(Array(text.utf8)))
  }

  @Test(arguments: invalid)
  func refuses(_ text: String) {
    #expect(throws: JSONError.self) { try JSONSlice.parse(Array(text.utf8)) }
    #expect(!ReferenceJSON.accepts(Array(text.utf8)))
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
      [0xE2, 0x28, 0xA1],
      [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
      [0xF0, 0x9F, 0x98],
      [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xFE], [0xFC, 0x80, 0x80, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func refusesInvalidUTF8(_ bytes: [UInt8]) {
    for padding in ["", "1234567", "12345678"] {
      let document = [0x22] + Array(padding.utf8) + bytes + Array("abcdefgh\"".utf8)
      #expect(throws: JSONError(offset: 1 + padding.utf8.count, reason: .invalidUTF8)) { try JSONSlice.parse(document) }
    }
  }

  @Test(arguments: [
    ("", JSONError(offset: 0, reason: .unexpectedEnd)), ("  ", JSONError(offset: 2, reason: .unexpectedEnd)),
    ("{\"a\" 1}", JSONError(offset: 5, reason: .unexpectedByte(0x31))),
    ("[1]x", JSONError(offset: 3, reason: .trailingBytes)), ("\"\\q\"", JSONError(offset: 1, reason: .invalidEscape)),
    ("[01]", JSONError(offset: 2, reason: .invalidNumber)),
    ("\"a\u{0}\"", JSONError(offset: 2, reason: .controlCharacter(0))),
    ("{\"a\":", JSONError(offset: 5, reason: .unexpectedEnd)), ("\"ab\\", JSONError(offset: 4, reason: .unexpectedEnd)),
  ])
  func errorsNameTheirPlace(_ text: String, _ error: JSONError) {
    #expect(throws: error) { try JSONSlice.parse(Array(text.utf8)) }
    #expect(error.description.hasSuffix("at byte \(error.offset)"))
  }

  @Test(arguments: [1, 63, 64, 65, 128, 129, 1000])
  func depthIsBounded(_ limit: Int) throws {
    let fits =
      Array(repeatElement("[", count: limit).joined().utf8) + Array(repeatElement("]", count: limit).joined().utf8)
    _ = try JSONSlice.parse(fits, maximumDepth: limit)
    #expect(throws: JSONError(offset: limit, reason: .tooDeep(limit: limit))) {
      try JSONSlice.parse([0x5B] + fits + [0x5D], maximumDepth: limit)
    }
    let objects = String(repeating: "{\"a\":[", count: limit) + String(repeating: "]}", count: limit)
    _ = try JSONSlice.parse(Array(objects.utf8), maximumDepth: 2 * limit)
    // The kinds of all open containers are remembered, however many there are.
    let crossed = objects.replacing("]}", with: "}]", maxReplacements: 1)
    #expect(throws: JSONError.self) { try JSONSlice.parse(Array(crossed.utf8), maximumDepth: 2 * limit) }
  }

  @Test func aMillionBracketsAreOnlyAnError() {
    #expect(throws: JSONError(offset: 64, reason: .tooDeep(limit: 64))) {
      try JSONSlice.parse([UInt8](repeating: 0x5B, count: 1_000_000))
    }
  }

  @Test(arguments: [
    "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\n\"", "\"\\ud800\\ud800\"", "\"\\ud83dx\\ude00\"", "\"\\ud800\\u12\"",
    "\"\\ud800\\",
  ])
  func halfASurrogatePairIsAChoice(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(throws: JSONError.self) { try JSONSlice.parse(bytes, loneSurrogates: .refused) }
    #expect(((try? JSONSlice.parse(bytes)) != nil) == ReferenceJSON.accepts(bytes))
  }

  @Test func halfASurrogatePairReadsAsReplacement() throws {
    #expect(try JSONSlice.parse(Array("\"a\\ud800b\\udc00\"".utf8)).string == "a\u{FFFD}b\u{FFFD}")
  }

  @Test func readsMembersAndElements() throws {
    let text = " {\"a\" : [1, \"two\" ,{\"x\":[]}, null], \"b\\u0063\":\"\\\"}\", \"a\":true , \"\":{}} "
    let root = try JSONSlice.parse(Array(text.utf8))
    #expect(root.kind == .object)
    #expect(root.members.map(\.key) == ["a", "bc", "a", ""])
    #expect(
      root.members.map { String(decoding: $0.value.raw, as: UTF8.self) } == [
        "[1, \"two\" ,{\"x\":[]}, null]", "\"\\\"}\"", "true", "{}",
      ])
    #expect(root["bc"]?.string == "\"}")
    #expect(root["a"]?.bool == true)
    #expect(root["b"] == nil)
    let first = try #require(root.members.first { $0.key == "a" })
    #expect(String(decoding: root.document[first.keyRange], as: UTF8.self) == "\"a\"")
    #expect(first.value.elements.map(\.kind) == [.number, .string, .object, .null])
    #expect(first.value.members.map(\.key).isEmpty)
    #expect(root.elements.map(\.kind).isEmpty)
    #expect(first.value["x"] == nil)
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("12", 12), ("1e3", 1000), ("1000e-3", 1), ("1.50e1", 15), ("10.0", 10), ("1.5", nil),
      ("1e-1", nil),
      ("9223372036854775807", .max), ("9223372036854775808", nil), ("-9223372036854775808", .min),
      ("-9223372036854775809", nil),
      ("0e999999999999999999999", 0), ("1e999999999999999999999", nil), ("1e-999999999999999999999", nil),
      ("1e18", 1_000_000_000_000_000_000),
      ("1e19", nil), ("0.000", 0), ("100000000000000000000e-20", 1), ("-3", -3), ("1e+2", 100), ("0.001e3", 1),
      ("18446744073709551616", nil),
    ] as [(String, Int64?)])
  func readsExactIntegers(_ text: String, _ expected: Int64?) throws {
    #expect(try JSONSlice.parse(Array(text.utf8)).int64 == expected)
  }

  @Test func readsDoubles() throws {
    #expect(try JSONSlice.parse(Array("-1.25e2".utf8)).double == -125)
    #expect(try JSONSlice.parse(Array("1e400".utf8)).double == nil)
    #expect(try JSONSlice.parse(Array("\"1\"".utf8)).double == nil)
  }

  @Test func hugeNumbersPassAsBytes() throws {
    let number = String(repeating: "9", count: 10_000)
    let slice = try JSONSlice.parse(Array("[\(number)]".utf8))
    #expect(slice.elements.first { _ in true }.map { String(decoding: $0.raw, as: UTF8.self) } == number)
  }

  @Test func unescapes() throws {
    #expect(
      try JSONSlice.parse(Array("\"\\u0041\\u00e9\\u4F60\\ud83d\\ude00\\/\\b\\f\\n\\r\\t\\\\\\\"\\u0000\"".utf8)).string
        == "A\u{E9}\u{4F60}\u{1F600}/\u{8}\u{C}\n\r\t\\\"\u{0}")
  }
}
