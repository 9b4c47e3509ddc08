import Threading
import Wire

/// All files and batches: in memory, and in a journal of one JSON line a change, from which a restart rebuilds them.
///
/// A change is visible at once and durable when the method that made it returns.
final class Catalog: Sendable {
  private struct State {
    var files: [String: StoredFile] = [:]
    /// In the order of creation; ids of deleted files stay until the restart.
    var fileOrder: [String] = []
    var batches: [String: BatchRecord] = [:]
    var batchOrder: [String] = []
    var nextOrdinal = 0
    /// Batches that the engine has not been told of.
    var unstarted: [String] = []
  }

  private let state: Locked<State>
  private let journal: AppendLog

  init(path: String) throws(SimulatorError) {
    journal = try AppendLog(path: path, threadName: "sim-journal")
    var restored = State()
    var number = 0
    var lines = try LineReader(path: path)
    while let group = try lines.next() {
      for line in group {
        number += 1
        guard let entry = try? JSONSlice.parse(line.bytes), Self.replay(entry, into: &restored) else {
          throw SimulatorError("line \(number) of \(path) is no entry of the journal; move the state directory away")
        }
      }
    }
    restored.unstarted = restored.batchOrder.filter { restored.batches[$0]?.status.isTerminal == false }
    let initial = restored
    state = Locked(initial)
  }

  // MARK: Files

  func add(_ file: StoredFile) async throws(SimulatorError) {
    try await change { state, writer in
      Self.put(file, into: &state)
      Self.entry("file", &writer) { file.writeJournal(into: &$0) }
    }
  }

  /// The file, if it belongs to the project, is not deleted and has not expired.
  func file(_ id: String, project: String, now: Int) -> StoredFile? {
    state.withLock { state in
      guard let file = state.files[id], file.project == project, !file.isExpired(at: now) else { return nil }
      return file
    }
  }

  /// Returns whether there was such a file.
  func deleteFile(_ id: String, project: String) async throws(SimulatorError) -> Bool {
    try await change { state, writer in
      guard state.files[id]?.project == project else { return false }
      state.files[id] = nil
      Self.entry("file_deleted", &writer) { $0.string(id) }
      return true
    }
  }

  /// Whether the content may go: the file is deleted, and no batch that was validated still reads it.
  func isUnused(_ fileID: String) -> Bool {
    state.withLock { state in
      state.files[fileID] == nil
        && !state.batches.values.contains {
          $0.inputFileID == fileID && !$0.status.isTerminal && $0.status != .validating
        }
    }
  }

  /// In the order of creation.
  func files(project: String, now: Int) -> [StoredFile] {
    state.withLock { state in
      state.fileOrder.compactMap { state.files[$0] }.filter { $0.project == project && !$0.isExpired(at: now) }
    }
  }

  // MARK: Batches

  /// Adds what `make` makes of the ordinal that the batch gets.
  func addBatch(_ make: (Int) -> BatchRecord) async throws(SimulatorError) -> BatchRecord {
    try await change { state, writer in
      let batch = make(state.nextOrdinal)
      Self.put(batch, into: &state)
      state.unstarted.append(batch.id)
      Self.entry("batch", &writer) { batch.writeJournal(into: &$0) }
      return batch
    }
  }

  func batch(_ id: String) -> BatchRecord? { state.withLock { $0.batches[id] } }

  /// The batch as its owner sees it now. Counts as a look where a batch hides its files for a number of looks.
  func look(at id: String, project: String) -> (BatchRecord, hidesFiles: Bool)? {
    state.withLock { Self.look(at: id, project: project, &$0) }
  }

  /// Newest first, at most `limit` behind the batch `after`.
  func lookAtBatches(
    project: String, after: String?, limit: Int, visibleBefore: Int, isMessages: Bool = false,
    isGemini: Bool = false
  ) -> (page: [(BatchRecord, hidesFiles: Bool)], hasMore: Bool) {
    state.withLock { state in
      var page: [(BatchRecord, hidesFiles: Bool)] = []
      var isBehind = after == nil
      for id in state.batchOrder.reversed() {
        if isBehind, let batch = state.batches[id], batch.project == project, batch.isMessages == isMessages,
          batch.isGemini == isGemini, batch.createdAt < visibleBefore
        {
          if page.count == limit { return (page, true) }
          if let seen = Self.look(at: id, project: project, &state) { page.append(seen) }
        }
        if id == after { isBehind = true }
      }
      return (page, false)
    }
  }

  /// Changes a batch for good, together with the files that come of it. Returns `nil` if there is none any more.
  func update(
    _ id: String, files: [StoredFile] = [], _ body: (inout BatchRecord) -> Void
  ) async throws(SimulatorError) -> BatchRecord? {
    try await change { state, writer in
      guard var batch = state.batches[id] else { return nil }
      body(&batch)
      state.batches[id] = batch
      for file in files {
        Self.put(file, into: &state)
        Self.entry("file", &writer) { file.writeJournal(into: &$0) }
      }
      Self.entry("batch", &writer) { batch.writeJournal(into: &$0) }
      return batch
    }
  }

  /// Forgets a batch that has ended.
  func deleteBatch(_ id: String) async throws(SimulatorError) {
    try await change { state, writer in
      guard state.batches.removeValue(forKey: id) != nil else { return }
      Self.entry("batch_deleted", &writer) { $0.string(id) }
    }
  }

  /// Changes counters of a batch that a restart finds again by itself.
  func progress(_ id: String, _ body: (inout BatchRecord) -> Void) -> BatchRecord? {
    state.withLock { state in
      guard var batch = state.batches[id] else { return nil }
      body(&batch)
      state.batches[id] = batch
      return batch
    }
  }

  /// Counts the tokens of a batch against the cap of its model, unless they do not fit. 0 is no cap.
  func reserve(tokens: Int, cap: Int, model: String, for id: String) -> Bool {
    state.withLock { state in
      guard let project = state.batches[id]?.project else { return false }
      var sum = tokens
      if cap > 0 {
        for batch in state.batches.values where batch.project == project && batch.model == model {
          sum += batch.enqueuedTokens
        }
        if sum > cap { return false }
      }
      state.batches[id]?.model = model
      state.batches[id]?.enqueuedTokens = tokens
      return true
    }
  }

  /// Batches that were created, or found unfinished, since the last call.
  func takeUnstarted() -> [String] {
    state.withLock { state in
      defer { state.unstarted = [] }
      return state.unstarted
    }
  }

  var unfinished: Set<String> {
    state.withLock { state in Set(state.batches.values.lazy.filter { !$0.status.isTerminal }.map(\.id)) }
  }

  /// How many there are now: files, batches, rows of validated batches, and batches by status.
  var counts: (files: Int, batches: Int, rows: Int, byStatus: [String: Int]) {
    state.withLock { state in
      let byStatus = Dictionary(state.batches.values.map { ($0.status.rawValue, 1) }, uniquingKeysWith: +)
      let rows = state.batches.values.reduce(0) { $0 + $1.total }
      return (state.files.count, state.batches.count, rows, byStatus)
    }
  }

  func reset() async throws(SimulatorError) {
    state.withLock { $0 = State() }
    try await journal.reset()
  }

  func stop() async { await journal.stop() }
}

extension Catalog {
  /// Applies a change and waits until its entry is written. A change that writes nothing is not waited for.
  private func change<Result: Sendable>(
    _ body: (inout State, inout [UInt8]) -> Result
  ) async throws(SimulatorError) -> Result {
    let (result, ticket) = state.withLock { state -> (Result, AppendLog.Ticket?) in
      var bytes: [UInt8] = []
      let result = body(&state, &bytes)
      // Within the lock, so that the journal has the changes in their order.
      return (result, bytes.isEmpty ? nil : journal.append { $0 += bytes })
    }
    if let ticket { try await journal.flush(ticket) }
    return result
  }

  private static func look(
    at id: String, project: String, _ state: inout State
  ) -> (BatchRecord, hidesFiles: Bool)? {
    guard let batch = state.batches[id], batch.project == project else { return nil }
    guard batch.status == .completed, batch.hiddenLooks > 0 else { return (batch, false) }
    state.batches[id]?.hiddenLooks -= 1
    return (batch, true)
  }

  private static func put(_ file: StoredFile, into state: inout State) {
    if state.files.updateValue(file, forKey: file.id) == nil { state.fileOrder.append(file.id) }
  }

  private static func put(_ batch: BatchRecord, into state: inout State) {
    if state.batches.updateValue(batch, forKey: batch.id) == nil { state.batchOrder.append(batch.id) }
    state.nextOrdinal = max(state.nextOrdinal, batch.ordinal + 1)
  }

  private static func entry(_ name: String, _ bytes: inout [UInt8], _ write: (inout JSONWriter) -> Void) {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.key(name)
    write(&writer)
    writer.endObject()
    bytes += writer.bytes
    bytes.append(0x0A)
  }

  private static func replay(_ entry: JSONSlice, into state: inout State) -> Bool {
    guard let member = entry.members.first(where: { _ in true }) else { return false }
    switch member.key {
    case "file":
      guard let file = StoredFile(journal: member.value) else { return false }
      put(file, into: &state)
    case "file_deleted":
      guard let id = member.value.string else { return false }
      state.files[id] = nil
    case "batch_deleted":
      guard let id = member.value.string else { return false }
      state.batches[id] = nil
    case "batch":
      guard let batch = BatchRecord(journal: member.value) else { return false }
      put(batch, into: &state)
    default: return false
    }
    return true
  }
}
