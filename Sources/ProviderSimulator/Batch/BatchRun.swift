import Glibc

/// One pass over the rows of a batch, in an order of its own, a slice at a time.
struct BatchRun: Sendable {
  struct Slice: Sendable {
    var paid: [PaidEntry] = []
    var output: [UInt8] = []
    var errors: [UInt8] = []
  }

  /// A slice ends at so many rows or bytes of input, so that memory is bounded whatever the rows are.
  static let mostSliceRows = 256
  static let sliceBytes = 1 << 20

  let batch: BatchRecord
  var output: BatchOutput
  /// How many rows are done.
  private(set) var position = 0
  private let input: BatchInput
  private let order: [Int32]
  private let executed: [Int: PaidLog.ExecutedRow]
  private let runner: RowRunner
  private let sliceRows: Int
  private var isCancelled: Bool
  private var ran = 0
  private var completed = 0
  private var failed = 0
  private var inputTokens = 0
  private var outputTokens = 0

  /// - Parameter takesTime: Whether the rows are spread over a time, as small batches are in smaller slices.
  init(
    batch: BatchRecord, hasCredit: Bool = true, input: BatchInput, plan: FaultPlan,
    executed: [Int: PaidLog.ExecutedRow], output: BatchOutput, cache: PromptCache, takesTime: Bool = false
  ) {
    sliceRows = takesTime ? min(max(1, input.rows.count / 16), Self.mostSliceRows) : Self.mostSliceRows
    self.batch = batch
    self.input = input
    self.executed = executed
    self.output = output
    runner = RowRunner(batch: batch, plan: plan, cache: cache, hasCredit: hasCredit)
    isCancelled = batch.status == .cancelling
    var generator = SeededGenerator(seed: plan.dice.bits(.shuffle, content: UInt64(batch.ordinal)))
    order =
      plan.behaviour.promptCachePrefixes > 0
      ? Self.nearly(input.rows.count, &generator) : (0..<Int32(input.rows.count)).shuffled(using: &generator)
  }

  /// As the file has them, but for workers that overtake each other: what is close in the file meets the prompt cache.
  private static func nearly(_ rows: Int, _ generator: inout SeededGenerator) -> [Int32] {
    stride(from: 0, to: rows, by: neighbours).flatMap { start in
      (Int32(start)..<Int32(min(start + neighbours, rows))).shuffled(using: &generator)
    }
  }

  private static let neighbours = 16

  var isAtEnd: Bool { position >= order.count }

  /// What the batch becomes, unless it is cancelled.
  var ending: BatchRecord.Status { batch.expiresAfterRows == nil ? .completed : .expired }

  /// Rows that are not run yet never will be.
  mutating func cancel() { isCancelled = true }

  /// Runs the next rows. Blocks: for owned threads only.
  mutating func next(
    from path: String, time: Int, attempt: (UInt64) -> Int
  ) throws(SimulatorError) -> Slice {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("cannot read \(path)") }
    defer { close(descriptor) }
    var slice = Slice()
    var rows = 0
    var bytes = 0
    while !isAtEnd && rows < sliceRows && bytes < Self.sliceBytes {
      let index = Int(order[position])
      let row = input.rows[index]
      let line = try DescriptorIO.read(descriptor, at: row.offset, count: row.length, named: path)
      var skip: RowRunner.Skip?
      if isCancelled { skip = .cancelled }
      if let limit = batch.expiresAfterRows, ran >= limit { skip = .expired }
      let result = runner.run(
        line, row: index, before: executed[index], skip: skip, time: time, attempt: attempt)
      add(result, to: &slice)
      position += 1
      rows += 1
      bytes += row.length
    }
    return slice
  }

  /// Puts the counts so far into the record.
  func count(into batch: inout BatchRecord) {
    batch.completed = completed
    batch.failed = failed
    batch.inputTokens = inputTokens
    batch.outputTokens = outputTokens
  }

  /// The files that the run has left.
  func files(at now: Int, keepsEmptyErrors: Bool = false) -> [StoredFile] {
    let kinds = [(output.outputID, output.outputBytes, "output"), (output.errorID, output.errorBytes, "error")]
    return kinds.filter { $0.1 > 0 || (keepsEmptyErrors && $0.2 == "error") }.map { id, bytes, kind in
      StoredFile(
        id: id, project: batch.project, bytes: bytes, createdAt: now,
        expiresAt: batch.outputLifetime.map { now + $0 }, filename: "\(batch.id)_\(kind).jsonl",
        purpose: "batch_output")
    }
  }

  private mutating func add(_ result: RowRunner.Result, to slice: inout Slice) {
    if let paid = result.paid { slice.paid.append(paid) }
    if let line = result.outputLine {
      slice.output += line
      slice.output.append(0x0A)
    }
    if let line = result.errorLine {
      slice.errors += line
      slice.errors.append(0x0A)
    }
    if result.isCompleted || result.isFailed { ran += 1 }
    if result.isCompleted { completed += 1 }
    if result.isFailed { failed += 1 }
    inputTokens += result.inputTokens
    outputTokens += result.outputTokens
  }
}
