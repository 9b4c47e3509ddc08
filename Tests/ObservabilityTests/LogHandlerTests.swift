import Logging
import Testing
import Threading

@testable import Observability

/// Keeps lines in memory.
private final class MemorySink: LineSink {
  private let kept = Locked<[(text: String, important: Bool)]>([])

  func write(_ line: [UInt8], important: Bool) {
    kept.withLock { $0.append((String(decoding: line, as: UTF8.self), important)) }
  }

  var lines: [String] { kept.withLock { $0.map(\.text) } }
  var importance: [Bool] { kept.withLock { $0.map(\.important) } }
}

@Suite("Log lines", .timeLimit(.minutes(4)))
struct LogHandlerTests {
  private let sink = MemorySink()
  private let time = WallTime(seconds: 1_767_323_045, milliseconds: 7)

  private func logger(
    _ form: LineLogHandler.Form, redactor: Redactor = .none, provider: Logger.MetadataProvider? = nil
  ) -> Logger {
    Logger(label: "millrace.worker") { label in
      LineLogHandler(
        label: label, form: form, level: .debug, sink: sink, redactor: redactor, metadataProvider: provider,
        now: { [time] in time })
    }
  }

  @Test("an event is one JSON object with its metadata beside it")
  func json() {
    var logger = logger(.json, provider: Logger.MetadataProvider { ["trace": "t1", "b": "provider"] })
    logger[metadataKey: "a"] = "handler"
    logger[metadataKey: "b"] = "handler"
    logger[metadataKey: "c"] = "handler"
    logger.info(
      "hello",
      metadata: [
        "c": "event", "n": "\(3)", "count": .stringConvertible(42), "ratio": .stringConvertible(0.5),
        "nan": .stringConvertible(Double.nan), "flag": .stringConvertible(true),
        "nested": ["x": ["y": "z"], "list": ["p", "q"]], "time": "mine",
      ])
    #expect(
      sink.lines == [
        #"{"time":"2026-01-02T03:04:05.007Z","level":"info","label":"millrace.worker","message":"hello","a":"handler","#
          + #""b":"provider","c":"event","count":42,"flag":true,"n":"3","nan":"nan","nested.list.0":"p","#
          + #""nested.list.1":"q","nested.x.y":"z","ratio":0.5,"metadata.time":"mine","trace":"t1"}"# + "\n"
      ])
  }

  @Test("text is short")
  func text() {
    let logger = logger(.text)
    logger.warning("slow \"reader\"", metadata: ["empty": "", "two words": "a b", "model": "gpt-4o"])
    logger.debug("x")
    logger.trace("below the level")
    #expect(
      sink.lines == [
        #"03:04:05.007 WARNING  millrace.worker: slow \"reader\" empty="" model=gpt-4o two words="a b""# + "\n",
        "03:04:05.007 DEBUG    millrace.worker: x\n",
      ])
    #expect(sink.importance == [true, false])
  }

  @Test("control characters cannot forge a line or drive a terminal", arguments: [LineLogHandler.Form.json, .text])
  func control(_ form: LineLogHandler.Form) {
    let nasty = "a\nb\r\u{0}\u{1B}[31m\u{7F}\u{9B}\u{2028}\u{2029}\t\\é\u{1F600}"
    logger(form).info("\(nasty)", metadata: ["\(nasty)": "\(nasty)"])
    let line = sink.lines[0]
    #expect(line.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
    let escaped = #"a\nb\r\u0000\u001b[31m\u007f\u009b\u2028\u2029\t\\é😀"#
    #expect(line.split(separator: escaped, omittingEmptySubsequences: false).count == 4)
  }

  @Test("an error is a field")
  func error() {
    struct Broken: Error, CustomStringConvertible { let description = "it broke" }
    logger(.json).error("failed", error: Broken(), metadata: ["error": "mine"])
    #expect(sink.lines[0].contains(#""message":"failed","error":"it broke","metadata.error":"mine"}"#))
  }

  @Test("long pieces are cut at a character, long lines lose metadata", arguments: [LineLogHandler.Form.json, .text])
  func long(_ form: LineLogHandler.Form) {
    logger(form).info("\(String(repeating: "é", count: 5000) + "x")")
    #expect(sink.lines[0].contains("... (1809 bytes cut)"))
    let metadata = (0..<100).map { ("k\($0)", Logger.MetadataValue.string(String(repeating: "x", count: 5000))) }
    logger(form).info("m", metadata: Dictionary(uniqueKeysWithValues: metadata))
    #expect(sink.lines[1].utf8.count < 80_000)
    #expect(sink.lines[1].contains("truncated"))
  }

  @Test("secrets are replaced wherever they stand", arguments: [LineLogHandler.Form.json, .text])
  func redacted(_ form: LineLogHandler.Form) {
    let redactor = Redactor(secrets: ["sk-abc\"def", "sk-abc\"def-long", "p%40ss/word", "abc", ""])
    let text = "sk-abc\"def sk-abc\"def-long p%40ss/word p@ss/word abc"
    logger(form, redactor: redactor).info("\(text)", metadata: ["\(text)": ["\(text)": ["\(text)"]]])
    let line = sink.lines[0]
    for secret in ["sk-abc", "-long", "word", "ss/"] { #expect(!line.contains(secret), "\(line)") }
    #expect(line.contains("*** *** *** *** abc"))
  }

  @Test("a secret is not shown in part where a text is cut")
  func redactedBeforeCut() {
    let text = String(repeating: "x", count: LogText.longestPiece - 8) + "sk-0123456789"
    logger(.json, redactor: Redactor(secrets: ["sk-0123456789"])).info("\(text)")
    #expect(!sink.lines[0].contains("sk-"))
  }

  @Test(
    "dates",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
      (951_868_799, "2000-02-29T23:59:59.000Z"), (1_709_251_199, "2024-02-29T23:59:59.000Z"),
      (1_709_251_200, "2024-03-01T00:00:00.000Z"), (4_107_542_399, "2100-02-28T23:59:59.000Z"),
      (4_107_542_400, "2100-03-01T00:00:00.000Z"), (253_402_300_799, "9999-12-31T23:59:59.000Z"),
    ])
  func dates(_ seconds: Int, _ expected: String) {
    var line: [UInt8] = []
    LogText.append(WallTime(seconds: seconds, milliseconds: 0), to: &line)
    #expect(String(decoding: line, as: UTF8.self) == expected)
  }

  @Test("the output makes loggers of one kind")
  func output() {
    let output = LogOutput(form: .json, level: .notice, sink: sink, redactor: Redactor(secrets: ["hidden"]))
    let logger = output.makeLogger(label: "a.b")
    logger.info("no")
    logger.notice("hidden")
    #expect(sink.lines.count == 1)
    #expect(sink.lines[0].contains(#""label":"a.b","message":"***""#))
  }
}
