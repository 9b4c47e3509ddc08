import LedgerRules

/// Numbers that this process gives out by itself, a block of a sequence at a time. They rise; gaps do no harm.
struct NumberBlock {
  /// As the sequences count.
  static var size: Int64 { 1024 }

  private var rest: Range<Int64> = 0..<0

  mutating func next(orElse fetch: () throws -> Int64) rethrows -> Int64 {
    if rest.isEmpty {
      let start = try fetch()
      rest = start..<start + Self.size
    }
    defer { rest = rest.lowerBound + 1..<rest.upperBound }
    return rest.lowerBound
  }
}

/// Statements that fetch a block's first number.
struct NumberStatements {
  private let selectRequests: PostgresStatement
  private let selectAttempts: PostgresStatement
  private let selectPlaces: PostgresStatement

  init(_ connection: PostgresConnection) throws {
    selectRequests = try PostgresStatement(connection, "SELECT nextval('request_ids')")
    selectAttempts = try PostgresStatement(connection, "SELECT nextval('attempt_ids')")
    selectPlaces = try PostgresStatement(connection, "SELECT nextval('outbox_places')")
  }

  func requestIDs() throws -> Int64 { try number(selectRequests) }
  func attemptIDs() throws -> Int64 { try number(selectAttempts) }
  func outboxPlaces() throws -> Int64 { try number(selectPlaces) }

  private func number(_ statement: PostgresStatement) throws -> Int64 {
    guard let number = try statement.start().first({ try $0.integer(0) }) else { throw DamagedTables("a sequence") }
    return number
  }
}
