import GRDBSQLite

/// Begin and end of the writer's connection.
final class Transaction {
  /// How many were begun.
  private(set) var count = 0
  let connection: OpaquePointer
  private let beginStatement: Statement
  private let commitStatement: Statement
  private let rollbackStatement: Statement

  init(_ connection: OpaquePointer) throws {
    self.connection = connection
    beginStatement = try Statement(connection, "BEGIN IMMEDIATE")
    commitStatement = try Statement(connection, "COMMIT")
    rollbackStatement = try Statement(connection, "ROLLBACK")
  }

  func begin() throws {
    try beginStatement.start().run()
    count += 1
  }

  func commit() throws { try commitStatement.start().run() }

  /// SQLite has rolled back by itself after some errors.
  func rollBack() {
    guard sqlite3_get_autocommit(connection) == 0 else { return }
    // An error here means that there is nothing left to roll back.
    _ = try? rollbackStatement.start().run()
  }
}
