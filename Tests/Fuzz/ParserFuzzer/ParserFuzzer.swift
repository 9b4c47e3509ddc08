import BatchCore
import Glibc
import Providers

/// Reads damaged answers with every adapter for a time.
///
///     ParserFuzzer CORPUS STATE SECONDS SEED     from the input of that number on; STATE is told which one is read
///     ParserFuzzer CORPUS show NUMBER            prints an input
@main
struct ParserFuzzer {
  private static let headers = [
    "retry-after", "retry-after-ms", "x-ratelimit-reset-tokens", "x-ratelimit-remaining-requests",
    "anthropic-ratelimit-input-tokens-limit", "x-ratelimit-limit-tokens-minute", "x-should-retry", "date",
  ]
  private static let values = [
    "6m0s", "1.5", "Mon, 21 Sep 2026 14:13:50 GMT", "2026-09-21T14:13:20.5+02:00", "1e999", "-1", "nan", "",
    "9223372036854775808",
  ]
  private static let statuses = [200, 201, 301, 400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 529]

  static func main() async {
    let words = CommandLine.arguments
    guard words.count >= 4, let corpus = read(words[1]) else { fatalError("ParserFuzzer CORPUS STATE SECONDS SEED") }
    let mutator = Mutator(corpus: corpus)
    if words[2] == "show" {
      print(String(decoding: mutator.input(UInt64(words[3]) ?? 0).bytes, as: UTF8.self))
      return
    }
    guard let state = fopen(words[2], "w") else { fatalError("cannot write \(words[2])") }
    let http = DamagedHTTP()
    let subjects = Subject.all(http)
    let end = ContinuousClock.now + .seconds(Int(words[3]) ?? 60)
    var number = words.count > 4 ? UInt64(words[4]) ?? 1 : 1
    var executions = 0
    let first = number
    while ContinuousClock.now < end {
      // Found by whoever finds the process dead or busy.
      rewind(state)
      fputs("\(number)\n", state)
      fflush(state)
      executions += await execute(mutator, number, http, subjects)
      number += 1
    }
    print("\(executions) executions on \(number - first) inputs, none crashed and none hung")
  }

  /// Asks every adapter for everything; returns how often.
  private static func execute(
    _ mutator: Mutator, _ number: UInt64, _ http: DamagedHTTP, _ subjects: [Subject]
  ) async -> Int {
    let input = mutator.input(number)
    var random = input.random
    var answer = DamagedHTTP.Answer(body: input.bytes)
    // Successes are read most.
    if Bool.random(using: &random) { answer.status = statuses.randomElement(using: &random) ?? 200 }
    answer.headers = [(headers.randomElement(using: &random) ?? "", values.randomElement(using: &random) ?? "")]
    answer.split = Int.random(in: 0...input.bytes.count, using: &random)
    var executions = 0
    func ask(_ question: () async -> Void) async {
      http.set(answer)
      await question()
      executions += 1
    }
    let body = RequestBody(
      bytes: Array(#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#.utf8), modelRange: 9..<12)
    let search = BatchSearch(label: "L", inputFileID: "f", createdAfter: Timestamp(milliseconds: 0), rowCount: 1)
    for subject in subjects {
      let (parsers, endpoint) = (subject.parsers, subject.endpoint)
      let submission = BatchSubmission(
        label: "L", endpoint: endpoint, model: "m", rowCount: 0, inputBytes: Int64(#"{"requests":[]}"#.utf8.count))
      await ask {
        let outcome = await parsers.call(
          ProviderCall(endpoint: endpoint, model: "n", body: body, timeout: .seconds(1)))
        precondition(outcome.message.utf8.count < 1000, "a message has no bound")
      }
      await ask { _ = try? await parsers.retrieve("b") }
      await ask { _ = try? await parsers.cancel("b") }
      await ask { _ = try? await parsers.create(submission, input: subject.input, timeout: .seconds(1)) }
      await ask { _ = try? await parsers.findBatches(search) }
      await ask { _ = try? await parsers.findFile(label: "L") }
      for file in ["f", "results-of:f", "https://fuzz.test/f"] {
        await ask {
          let source = try? await parsers.results(fileID: file, of: endpoint)
          while let results = try? await source?.next() {
            precondition(results.allSatisfy { !$0.customID.isEmpty }, "a result of nobody")
          }
        }
      }
    }
    return executions
  }

  /// Recorded answers, apart by lines of three hyphens.
  private static func read(_ path: String) -> [[UInt8]]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var samples: [[UInt8]] = [[]]
    while let line = readLine(file) {
      if line == "---" { samples.append([]) } else { samples[samples.count - 1] += Array((line + "\n").utf8) }
    }
    return samples.filter { !$0.isEmpty }
  }

  private static func readLine(_ file: UnsafeMutablePointer<FILE>) -> String? {
    var bytes: [UInt8] = []
    while true {
      let byte = getc(file)
      if byte == EOF { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
      if byte == 0x0A { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(UInt8(truncatingIfNeeded: byte))
    }
  }
}
