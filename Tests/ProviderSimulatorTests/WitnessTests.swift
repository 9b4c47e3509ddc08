import BatchCore
import Testing
import Wire

@testable import ProviderSimulator

@Suite(.timeLimit(.minutes(4)))
struct WitnessTests {
  private func entry(_ prompt: String, batch: String? = nil, row: Int? = nil, attempt: Int = 0, fault: String? = nil)
    -> PaidEntry
  {
    PaidEntry(
      kind: batch == nil ? .sync : .batch, time: 1, key: "k", endpoint: .chatCompletions, model: "m", batchID: batch,
      row: row, customID: row.map { Array("\"r-\($0)\"".utf8)[...] }, promptDigest: Bytes.sha256(Array(prompt.utf8)),
      promptText: Array(prompt.utf8), attempt: attempt, fault: fault, inputTokens: 2, outputTokens: 3,
      cost: PicoUSD(7))
  }

  private func lines(_ path: String) throws -> [JSONSlice] {
    try WholeFile.read(path).split(separator: 0x0A).map { try JSONSlice.parse(Array($0)) }
  }

  @Test func sumsSurvive() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let path = scratch.file("paid.jsonl")
    var log = try PaidLog(path: path, unfinished: [])
    try await log.append([entry("a"), entry("b", batch: "batch_1", row: 4, attempt: 2, fault: "missing")])
    try await log.append([entry("b", batch: "batch_2", row: 0)])
    await log.stop()
    log = try PaidLog(path: path, unfinished: ["batch_1"])
    let summary = log.summary
    #expect(summary.sequence == 3)
    #expect(summary.syncCalls == 1)
    #expect(summary.batchRows == 2)
    #expect(summary.inputTokens == 6)
    #expect(summary.outputTokens == 9)
    #expect(summary.picoUSD == 21)
    #expect(summary.duplicatedPrompts == 1)
    #expect(summary.duplicatePayments == 1)
    #expect(log.executed == ["batch_1": [4: PaidLog.ExecutedRow(attempt: 2, isMissing: true)]])
    let hash = Bytes.word(Bytes.sha256(Array("b".utf8)))
    #expect(log.attempts(hash) == 3)
    #expect(log.nextAttempt(hash) == 3)
    try await log.append([entry("c")])
    await log.stop()
    #expect(try lines(path).compactMap { $0["seq"]?.int64 } == [1, 2, 3, 4])
  }

  @Test func tornLineIsCut() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let path = scratch.file("paid.jsonl")
    var log = try PaidLog(path: path, unfinished: [])
    try await log.append([entry("a")])
    await log.stop()
    let whole = try WholeFile.read(path)
    try WholeFile.write(whole + whole.prefix(whole.count / 2), to: path)
    log = try PaidLog(path: path, unfinished: [])
    try await log.append([entry("b")])
    await log.stop()
    #expect(try lines(path).compactMap { $0["prompt_key"]?.string } == ["a", "b"])
    try WholeFile.write(Array("no line at all".utf8), to: path)
    log = try PaidLog(path: path, unfinished: [])
    #expect(log.size == 0)
    await log.stop()
  }

  @Test func whatIsNoEntryIsRefused() throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    try WholeFile.write(Array("{}\n".utf8), to: scratch.file("a"))
    var reader = PaidLogReader(batches: [])
    #expect(throws: SimulatorError.self) { try reader.read(scratch.file("a")) }
  }

  @Test func concurrentEntriesAreNumberedInTheirOrder() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let path = scratch.file("paid.jsonl")
    let log = try PaidLog(path: path, unfinished: [])
    try await withThrowingTaskGroup { group in
      for task in 0..<20 {
        group.addTask {
          for number in 0..<50 { try await log.append([self.entry("\(task) \(number)")]) }
        }
      }
      try await group.waitForAll()
    }
    // Before the thread is stopped: what was appended is in the file.
    let numbers = try lines(path).compactMap { $0["seq"]?.int64 }
    #expect(numbers == Array(1...1000))
    #expect(log.summary.duplicatePayments == 0)
    await log.stop()
  }

  @Test func resetEmptiesOnceAndForAll() async throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    let path = scratch.file("paid.jsonl")
    let log = try PaidLog(path: path, unfinished: [])
    try await log.append([entry("a"), entry("b")])
    try await log.reset()
    #expect(log.size == 0)
    try await log.append([entry("c")])
    #expect(try lines(path).compactMap { $0["prompt_key"]?.string } == ["c"])
    #expect(log.size == (try WholeFile.read(path)).count)
    #expect(log.summary.sequence == 1)
    await log.stop()
  }

  @Test func noKeyIsWritten() async throws {
    var fingerprint = ""
    let caller = try Credentials(keys: []).caller(authorization: "Bearer sk-very-secret", fingerprint: &fingerprint)
    #expect(caller.fingerprint == fingerprint)
    #expect(caller.fingerprint.utf8.count == 12)
    #expect(caller.project == caller.fingerprint)
    let named = Credentials(keys: ["sk-a=team", "sk-b=team", "sk-revoked-c=team"])
    for key in ["sk-a", "sk-b"] {
      #expect(try named.caller(authorization: "Bearer \(key)", fingerprint: &fingerprint).project == "team")
    }
    #expect(named.fingerprints(of: "team").isSuperset(of: [Credentials.fingerprint("sk-a"), fingerprint]))
    for wrong in ["Bearer sk-x", "Bearer sk-revoked-c", "Bearer ", "sk-a", nil] {
      #expect(throws: APIError.self) { try named.caller(authorization: wrong, fingerprint: &fingerprint) }
    }
  }

  @Test func linesAreFoundAgainByTheirPlace() throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    // Longer than a chunk, so that lines cross its border.
    let texts = (0..<9000).map { String(repeating: "x", count: $0 % 97) } + ["last"]
    let content = Array(texts.joined(separator: "\r\n").utf8)
    try WholeFile.write(content, to: scratch.file("lines"))
    var reader = try LineReader(path: scratch.file("lines"))
    var found: [String] = []
    while let group = try reader.next() {
      for line in group {
        found.append(String(decoding: line.bytes, as: UTF8.self))
        #expect(content[line.offset..<line.offset + line.bytes.count].elementsEqual(line.bytes))
      }
    }
    #expect(found == texts)
  }

  @Test func aStateDirectoryHasOneSimulator() throws {
    let scratch = Scratch()
    defer { scratch.remove() }
    do {
      let first = try StateLock(directory: scratch.path)
      #expect(throws: SimulatorError.self) { try StateLock(directory: scratch.path) }
      withExtendedLifetime(first) {}
    }
    #expect(throws: Never.self) { try StateLock(directory: scratch.path) }
    #expect(throws: SimulatorError.self) { try StateLock(directory: scratch.file("nothing")) }
  }
}
