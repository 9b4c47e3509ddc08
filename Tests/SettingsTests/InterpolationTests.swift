import Testing

@testable import Settings

@Suite("Interpolation", .timeLimit(.minutes(4)))
struct InterpolationTests {
  @Test(
    "variables, defaults, nesting and literals",
    arguments: [
      ("plain", "plain"), ("${A}", "1"), ("x${A}y${A}z", "x1y1z"), ("${B:-d}", "d"), ("${EMPTY:-d}", "d"),
      ("${EMPTY}", ""), ("${B:-}", ""), ("${B:-${A}}", "1"), ("${B:-x${C:-y}z}w", "xyzw"), ("$${A}", "${A}"),
      ("cost $5 $$", "cost $5 $$"), ("${A:-unused}", "1"), ("${B:-amqp://h:1/%2f}", "amqp://h:1/%2f"),
      ("${LOOP}", "${A}"), ("é${A}é", "é1é"),
    ])
  func expand(_ text: String, _ expected: String) throws {
    var looked: Set<String> = []
    let environment = ["A": "1", "EMPTY": "", "LOOP": "${A}"]
    #expect(try Interpolation.expand(text, environment, looked: &looked) == expected)
  }

  @Test("a missing variable is named")
  func missing() {
    var looked: Set<String> = []
    #expect(throws: Interpolation.Failure.missing(variable: "NOPE")) {
      try Interpolation.expand("a${NOPE}", [:], looked: &looked)
    }
    #expect(looked == ["NOPE"])
  }

  @Test(
    "malformed forms are refused", arguments: ["${", "${}", "${A", "${A-b}", "${1A}", "${A B}", "${A:b}", "${A:-${B}"])
  func malformed(_ text: String) {
    var looked: Set<String> = []
    #expect(throws: Interpolation.Failure.malformed) { try Interpolation.expand(text, [:], looked: &looked) }
  }

  @Test(
    "units",
    arguments: [("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("1h", 3_600_000), ("31d", 2_678_400_000), ("0", 0)])
  func durations(_ text: String, _ milliseconds: Int) {
    #expect(Quantities.duration(text) == .milliseconds(milliseconds))
    #expect(Quantities.duration(Quantities.text(.milliseconds(milliseconds))) == .milliseconds(milliseconds))
  }

  @Test(
    "no durations",
    arguments: ["", "5", "s", "-1s", "1.5s", "1 week", "1S", "9999999999999999999d", "99999999999999d", "１s"])
  func noDurations(_ text: String) {
    #expect(Quantities.duration(text) == nil)
  }

  @Test(
    "sizes",
    arguments: [
      ("0", 0), ("1048576", 1_048_576), ("16MiB", 16_777_216), ("180MB", 180_000_000), ("2 GiB", 2_147_483_648),
      ("1_000", 1000), ("5b", 5),
    ])
  func sizes(_ text: String, _ bytes: Int) {
    #expect(Quantities.bytes(text) == bytes)
  }

  @Test("no sizes", arguments: ["", "MiB", "1.5MiB", "-1", "1MM", "_1", "1_", "9999999999TiB", "0x10"])
  func noSizes(_ text: String) {
    #expect(Quantities.bytes(text) == nil)
  }

  @Test("spelling")
  func spelling() {
    #expect(Spelling.nearest(to: "idel_ms", among: ["idle_ms", "max_age_ms"]) == "idle_ms")
    #expect(Spelling.nearest(to: "prefetchs", among: ["prefetch", "poison"]) == "prefetch")
    #expect(Spelling.nearest(to: "zzzzzz", among: ["prefetch", "poison"]) == nil)
    #expect(Spelling.nearest(to: "x", among: []) == nil)
  }
}
