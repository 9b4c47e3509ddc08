import BatchCore
import Testing
import Wire

@testable import LedgerPostgres

@Suite("Postgres: arrays", .timeLimit(.minutes(4)))
struct ArrayTests {
  /// Sends an array through `unnest` and reads it back.
  private func roundTrip<Value: PostgresValue & Equatable & Sendable>(
    _ values: [Value?], _ read: @Sendable (PostgresRow, CInt) throws -> Value
  ) async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare("SELECT v, n FROM unnest($1) WITH ORDINALITY AS u(v, n) ORDER BY n")
      // Twice in one statement: the buffer is used again.
      for sent in [values, values.reversed()] {
        statement.start().bind(array: sent)
        var back: [Value?] = []
        try statement.forEach { row in
          back.append(row.isNull(0) ? nil : try read(row, 0))
          return true
        }
        #expect(back == sent)
      }
    }
  }

  @Test func everyKindRoundTripsWithNulls() async throws {
    try await roundTrip([1, nil, Int64.min, Int64.max, nil]) { try $0.integer($1) }
    try await roundTrip([1, nil, Int32.min, Int32.max]) { Int32(try $0.integer($1)) }
    try await roundTrip([nil, 1, Int16.min, Int16.max]) { Int16(try $0.integer($1)) }
    try await roundTrip([true, false, nil]) { try $0.bool($1) }
    try await roundTrip(["", nil, "a\"b,{}\\NULL", "日本 🦀"]) { try $0.text($1) }
    try await roundTrip([[], nil, [0, 255, 34, 92], Array(repeating: 7, count: 100_000)]) { try $0.bytes($1) }
    try await roundTrip([nil, nil] as [Int64?]) { try $0.integer($1) }
    try await roundTrip([Timestamp(milliseconds: 5)]) { try $0.timestamp($1) }
  }

  @Test func anEmptyArrayGivesNoRows() async throws {
    try await PostgresPlace().connected { connection throws in
      let statement = connection.prepare(
        "SELECT count(*), cardinality($1), $1 IS NULL FROM unnest($1, $2) AS u(a, b)")
      statement.start()
      statement.bind(array: [] as [Int64])
      statement.bind(array: [] as [String?])
      let row = try statement.execute()[0]
      #expect(try row.int(0) == 0)
      #expect(try row.int(1) == 0)
      #expect(try !row.bool(2))
    }
  }

  private struct Item: Sendable {
    var id: Int64
    var text: String?
  }

  private static func send(_ items: some Collection<Item>, _ insert: PreparedStatement) throws -> Int {
    insert.start()
    insert.bind(each: items) { $0.id }
    insert.bind(each: items) { $0.text }
    return try insert.execute().count
  }

  @Test func columnsComeFromTheFieldsOfElements() async throws {
    let items = (0..<5000).map { Item(id: Int64($0), text: $0 % 3 == 0 ? nil : "text \($0)") }
    try await PostgresPlace().connected { connection throws in
      try connection.simple("CREATE TABLE item (id int8 PRIMARY KEY, text text)")
      let insert = connection.prepare(
        "INSERT INTO item SELECT * FROM unnest($1, $2) ON CONFLICT DO NOTHING RETURNING id")
      #expect(try Self.send(items[..<3000], insert) == 3000)
      #expect(try Self.send(items, insert) == 2000)
      let count = connection.prepare("SELECT count(*), count(text), sum(id)::int8 FROM item WHERE id = ANY($1)")
      count.start().bind(array: items.map(\.id))
      let row = try count.execute()[0]
      #expect(try row.int(0) == 5000)
      #expect(try row.int(1) == items.count { $0.text != nil })
      #expect(try row.int(2) == 4999 * 5000 / 2)
    }
  }
}
