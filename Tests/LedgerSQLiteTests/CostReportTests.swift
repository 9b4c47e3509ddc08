import BatchCore
import Foundation
import GRDB
import Ledger
import LedgerSQLite
import TestSupport
import Testing

@Suite("SQLite: reports of costs", .timeLimit(.minutes(5)))
struct CostReportTests {
  private static let rows = 6000

  /// Row `i` of the table: two tenants, seven users, three routes of two providers, every third row of a batch.
  private static let fill = """
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < \(rows))
    INSERT INTO cost(day, tenant, cost_center, user, service, environment, route, batch, sums)
    SELECT 100 + i % 5, 't' || (i % 2), '', 'u' || (i % 7), i, '', i % 3, i % 3 = 2,
      '1,0,0,0,' || i || ',2,3,4,' || (9007199254740993 + i) || '000,5,' || -i || ',7,8,9,10' FROM n;
    INSERT INTO route(id, provider, model) VALUES (1, 'p', 'm1'), (2, 'p', 'm2');
    """

  private static func value(_ dimension: CostQuery.Dimension, _ row: Int) -> String {
    switch dimension {
    case .day: String(100 + row % 5)
    case .tenant: "t\(row % 2)"
    case .user: "u\(row % 7)"
    case .service: String(row)
    case .provider: row % 3 == 0 ? "" : "p"
    case .model: ["", "m1", "m2"][row % 3]
    case .lane: row % 3 == 2 ? "deferred" : "interactive"
    case .costCenter, .environment, .batch: ""
    }
  }

  private static func expected(_ query: CostQuery) -> CostReport {
    var lines: [[String]: CostSums] = [:]
    for row in 0..<rows where query.days.contains(Int64(100 + row % 5)) {
      var sums = CostSums()
      for (field, number) in zip(
        CostSums.fields, [1, 0, 0, 0, row, 2, 3, 4, (9_007_199_254_740_993 + row) * 1000, 5, -row, 7, 8, 9, 10])
      {
        sums[keyPath: field] = Int128(number)
      }
      lines[query.dimensions.map { value($0, row) }, default: CostSums()] += sums
    }
    return CostReport(lines.map { CostReport.Line(values: $0.key, sums: $0.value) }, limit: query.limit)
  }

  private func write(_ sql: String, to path: String) async throws {
    let queue = try DatabaseQueue(path: path)
    try await queue.write { try $0.execute(sql: sql) }
    try queue.close()
  }

  @Test("whatever is asked for is the sum of its rows, beyond what SQLite can add")
  func groups() async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    #expect(try await ledger.costs(CostQuery(dimensions: [], days: 0...1000, limit: 9)).lines.isEmpty)
    try await write(Self.fill, to: files.path)
    let questions: [[CostQuery.Dimension]] = [
      [], [.day], [.tenant, .model], [.provider], [.lane, .user], [.user, .batch], [.environment, .costCenter],
      [.service], [.tenant, .costCenter, .user, .provider, .model, .lane, .day],
    ]
    for dimensions in questions {
      for days in [0...1000, 101...102, 103...103, 200...300] as [ClosedRange<Int64>] {
        let query = CostQuery(dimensions: dimensions, days: days, limit: 50)
        #expect(try await ledger.costs(query) == Self.expected(query), "\(query)")
      }
    }
    await ledger.close()
  }

  @Test(
    "a row that holds no sums is named, and is no end of the reader",
    arguments: [
      "", "1,2", "1,0,0,0,1,2,3,4,x,5,6,7,8,9,10", "1,0,0,0,1,2,3,4,5,5,6,7,8,9,10,11",
      "-,0,0,0,1,2,3,4,5,5,6,7,8,9,10",
      "1,0,0,0,1,2,3,4,5,5,6,7,8,9,", "1,0,0,0,1,2,3,4,5,5,6,7,8,9,1234567890123456789012345678901234567890",
    ])
  func damage(text: String) async throws {
    let files = try SQLitePlace()
    let ledger = try SQLiteLedger(path: files.path)
    try await write("INSERT INTO cost VALUES (1, '', '', '', '', '', 0, 0, '\(text)')", to: files.path)
    let query = CostQuery(dimensions: [.day], days: 0...9, limit: 9)
    let error = await #expect(throws: LedgerError.self) { _ = try await ledger.costs(query) }
    #expect(error?.reason == .unusable && error?.message.contains("a day's costs") == true, "\(error?.message ?? "")")
    try await write("DELETE FROM cost", to: files.path)
    #expect(try await ledger.costs(query).lines.isEmpty)
    await ledger.close()
  }
}
