import BatchCore
import Foundation
import GRDB
import Ledger
import LedgerRules
import TestSupport
import Testing
import Wire

@testable import LedgerSQLite

@Suite("SQLite ledger: its file", .timeLimit(.minutes(4)))
struct SQLiteFileTests {
  private let now = Timestamp(milliseconds: 1_700_000_000_000)

  private func refusal(_ body: () throws -> Void) throws -> LedgerError {
    let error = #expect(throws: LedgerError.self, performing: body)
    return try #require(error)
  }

  @Test("the writer waits for the disk, in WAL, with its page size")
  func pragmas() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    let found = try await ledger.commits.perform(rows: 1) { session in
      try ["synchronous", "page_size", "wal_autocheckpoint"].map { try session.pragma($0) }
    }
    // Nothing is written to the file within a commit, but as `LogGrowth` has it.
    #expect(found == ["2", "8192", "0"])
    #expect(try await ledger.commits.perform(rows: 1) { try $0.pragma("journal_mode") } == "wal")
    await ledger.close()
  }

  @Test("what is committed goes from the log into the file while commits go on, and the log does not grow for good")
  func checkpoints() async throws {
    let files = try SQLitePlace()
    let pages = 100
    let ledger = try SQLiteLedger(path: files.path, logPages: pages)
    func size(_ path: String) throws -> Int {
      try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    }
    // Twenty times the log that is worth writing.
    let body = String(repeating: "x", count: 32 << 10)
    var largest = 0
    for number in 0..<100 {
      let bodies = (0..<5).map { index in TestDelivery("\(number)-\(index)") { $0.body = body } }
      _ = try await ledger.admit(bodies.map { $0.request(at: now) }, at: now)
      largest = max(largest, try size(files.path + "-wal"))
    }
    #expect(try size(files.path) > 8 << 20)
    // As long as SQLite lets it, which is half of what was written.
    #expect(largest < 8 << 20, "\(largest)")
    await ledger.close()
    let again = try SQLiteLedger(path: files.path)
    #expect(try await again.acceptedRows(after: nil, limit: 2000).count == 500)
    await again.close()
  }

  @Test("folder and file are made for the service's user only")
  func permissions() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    for (path, mode) in [(files.folder + "/data", 0o700), (files.path, 0o600), (files.path + "-wal", 0o600)] {
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.posixPermissions] as? Int == mode, "\(path)")
    }
    await ledger.close()
    #expect(!FileManager.default.fileExists(atPath: files.path + "-wal"))
  }

  @Test("a second opener is refused with the file and the process, until the first is gone")
  func lock() async throws {
    let files = try SQLitePlace()
    var ledger: SQLiteLedger? = try SQLiteLedger(path: files.path)
    let error = try refusal { _ = try SQLiteLedger(path: files.path) }
    #expect(error.reason == .inUse)
    #expect(error.message.contains(files.path) && error.message.contains("process \(getpid())"))
    #expect(!error.message.contains("\n"))
    await ledger?.close()
    ledger = try SQLiteLedger(path: files.path)
    // Dropped without close, as a crash would.
    ledger = nil
    ledger = try SQLiteLedger(path: files.path)
    await ledger?.close()
  }

  @Test("a newer schema, another program's file and what is no database are refused")
  func foreign() async throws {
    let files = try SQLitePlace()
    await (try SQLiteLedger(path: files.path)).close()
    try await DatabaseQueue(path: files.path).write { try $0.execute(sql: "PRAGMA user_version = 99") }
    let newer = try refusal { _ = try SQLiteLedger(path: files.path) }
    #expect(newer.reason == .unusable && newer.message.contains("schema version 99"))

    let other = files.folder + "/other.sqlite"
    try await DatabaseQueue(path: other).write { try $0.execute(sql: "CREATE TABLE t(x)") }
    let foreign = try refusal { _ = try SQLiteLedger(path: other) }
    #expect(foreign.reason == .unusable && foreign.message.contains("another program"))

    let text = files.folder + "/text.sqlite"
    try String(repeating: "no database ", count: 1000).write(toFile: text, atomically: true, encoding: .utf8)
    let garbage = try refusal { _ = try SQLiteLedger(path: text) }
    #expect(garbage.reason == .unusable && garbage.message.contains(text))

    let under = try refusal { _ = try SQLiteLedger(path: text + "/ledger.sqlite") }
    #expect(under.reason == .unavailable && under.message.contains(text))
  }

  @Test("a full disk is reported, and the ledger works on when there is room")
  func full() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    func admit(_ keys: Range<Int>) async throws(LedgerError) -> [Admission] {
      let body = String(repeating: "x", count: 5000)
      let requests = keys.map { key in TestDelivery("k\(key)") { $0.body = body }.request(at: now) }
      return try await ledger.admit(requests, at: now)
    }
    _ = try await admit(0..<5)
    _ = try await ledger.commits.perform(rows: 1) { try $0.pragma("max_page_count = 40") }
    let error = await #expect(throws: LedgerError.self) { _ = try await admit(5..<500) }
    #expect(error?.reason == .unavailable)
    #expect(error?.message.contains(files.path) == true && error?.message.contains("free space") == true)
    // Nothing of the failed call is there.
    #expect(try await ledger.acceptedRows(after: nil, limit: 1000).count == 5)
    _ = try await ledger.commits.perform(rows: 1) { try $0.pragma("max_page_count = 1000000") }
    #expect(try await admit(0..<500).filter { $0.kind == .inFlight }.count == 5)
    await ledger.close()
  }

  @Test("another program's lock is waited for and then reported")
  func busy() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path, busyTimeout: .milliseconds(50))
    let request = TestDelivery("a").request(at: now)
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    let other = try DatabaseQueue(path: files.path, configuration: configuration)
    try await other.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
    let error = await #expect(throws: LedgerError.self) { _ = try await ledger.admit([request], at: self.now) }
    #expect(error?.reason == .unavailable && error?.message.contains("locked") == true)
    try await other.writeWithoutTransaction { try $0.execute(sql: "COMMIT") }
    #expect(try await ledger.admit([request], at: now).map(\.kind) == [.new(attempt: 1)])
    try other.close()
    await ledger.close()
  }

  @Test("what was committed is in the file at any moment, as after a kill")
  func killed() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    let requests = (0..<50).map { TestDelivery("k\($0)").request(at: now) }
    let admissions = try await ledger.admit(requests, at: now)
    let copy = files.folder + "/copy.sqlite"
    for suffix in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: files.path + suffix, toPath: copy + suffix)
    }
    let revived = try SQLiteLedger(path: copy)
    #expect(try await revived.acceptedRows(after: nil, limit: 100).map(\.id) == admissions.map(\.id))
    #expect(try await revived.admit(requests, at: now).map(\.id) == admissions.map(\.id))
    await revived.close()
    await ledger.close()
  }

  @Test("every attempt has one row, and every cost is counted once")
  func costs() async throws {
    let files = try SQLitePlace()
    let ledger = try await TestLedger(files.place)
    let claim = try await ledger.admit(.interactive("a"))
    for _ in 0..<3 { _ = try await ledger.record(TestLedger.success(claim.id)) }
    let row = try await ledger.admit(TestDelivery("b"))
    let first = try await ledger.batch(row.id)
    try await ledger.store.abandon(first.id, notBefore: ledger.now, limit: nil, at: ledger.now)
    let second = try await ledger.batch(row.id)
    for _ in 0..<2 {
      _ = try await ledger.record(TestLedger.success(row.id, attempt: 1, batch: first.id))
      _ = try await ledger.record(TestLedger.success(row.id, attempt: 2, batch: second.id))
    }
    await ledger.close()
    let rows = try await DatabaseQueue(path: files.path).read { db in
      try Row.fetchAll(db, sql: "SELECT outcome, sum(cost) AS cost, count(*) AS count FROM attempt GROUP BY outcome")
        .map { row -> [Int] in [row["outcome"], row["cost"], row["count"]] }
    }
    #expect(rows == [[Int(AttemptEnd.final.rawValue), 14, 2], [Int(AttemptEnd.superseded.rawValue), 7, 1]])
  }
}
