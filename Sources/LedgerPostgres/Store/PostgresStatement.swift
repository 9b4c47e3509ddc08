/// A prepared statement that is used again and again. Parameters are bound in order after `start()`.
///
/// It belongs to the thread of its connection, and is prepared when it runs for the first time.
final class PostgresStatement {
  private let connection: PostgresConnection
  private let sql: String
  private var name: String?
  private var parameters = ParameterBuffer()

  init(_ connection: PostgresConnection, _ sql: String) throws(PostgresFailure) {
    self.connection = connection
    self.sql = sql
  }

  // MARK: Parameters

  /// Forgets the parameters of the last use.
  @discardableResult
  func start() -> PostgresStatement {
    parameters.removeAll()
    return self
  }

  func bind(_ value: some PostgresValue) { parameters.append(value) }
  func bind<Value: PostgresValue>(_ value: Value?) { parameters.append(value) }
  func bind<Value: PostgresValue>(_ array: [Value]) { parameters.append(array: array.lazy.map { Optional($0) }) }
  func bind<Value: PostgresValue>(_ array: [Value?]) { parameters.append(array: array) }

  // MARK: Running

  /// Returns how many rows it changed.
  @discardableResult
  func run() throws(PostgresFailure) -> Int { try execute().changes }

  /// Calls the closure for each row until it returns false.
  func forEach(_ body: (PostgresRow) throws -> Bool) throws {
    let result = try execute()
    for index in 0..<result.count {
      guard try body(result.row(index)) else { return }
    }
  }

  func all<Value>(_ body: (PostgresRow) throws -> Value) throws -> [Value] {
    let result = try execute()
    return try (0..<result.count).map { try body(result.row($0)) }
  }

  func first<Value>(_ body: (PostgresRow) throws -> Value) throws -> Value? {
    let result = try execute()
    return result.count > 0 ? try body(result.row(0)) : nil
  }

  private func execute() throws(PostgresFailure) -> PostgresResult {
    if name == nil { name = try connection.prepare(sql) }
    return try connection.execute(name ?? "", parameters)
  }
}
