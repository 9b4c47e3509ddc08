import CPostgres

/// A statement that is prepared once in its session and executed again and again, parameters and rows in binary form.
///
/// Parameters are bound in order after `start()`. It is prepared at its first execution, with the types that are bound
/// then, and later ones must bind the same. It belongs to the thread of its connection.
final class PreparedStatement {
  private static let maximumParameters = 65_535

  let sql: String
  private let link: PostgresLink
  private let names: StatementNames
  private var name: String?
  /// Of the parameters as prepared.
  private var types: [UInt32] = []
  private var parameters = ParameterBuffer()

  init(_ sql: String, link: PostgresLink, names: StatementNames) {
    self.sql = sql
    self.link = link
    self.names = names
  }

  // MARK: Parameters

  /// Forgets the last use; every parameter is bound anew.
  @discardableResult
  func start() -> PreparedStatement {
    parameters.removeAll()
    return self
  }

  func bind(_ value: some PostgresValue) { parameters.append(value) }

  func bind<Value: PostgresValue>(_ value: Value?) {
    if let value { parameters.append(value) } else { parameters.appendNull(Value.type.rawValue) }
  }

  /// A NULL whose type the server infers.
  func bindNull() { parameters.appendNull(0) }

  func bind(raw bytes: UnsafeRawBufferPointer) { unsafe parameters.append(raw: bytes) }

  /// An array, for `unnest` or `= ANY`.
  func bind(array values: [some PostgresValue]) { parameters.append(each: values) { $0 } }

  /// An array in which nil is NULL.
  func bind<Value: PostgresValue>(array values: [Value?]) { parameters.append(each: values) { $0 } }

  /// An array with the value that each element has, nil being NULL, for one column of `unnest`.
  func bind<Elements: Collection, Value: PostgresValue>(
    each elements: Elements, _ value: (Elements.Element) -> Value?
  ) {
    parameters.append(each: elements, value)
  }

  // MARK: Running

  /// Runs a statement whose rows, if any, are not wanted. Returns how many rows it changed.
  @discardableResult
  func run() throws(PostgresFailure) -> Int { try execute().changes }

  /// Calls the closure for each row until it returns false.
  func forEach(_ body: (PostgresRow) throws -> Bool) throws {
    let result = try execute()
    for index in 0..<result.count {
      guard try body(result[index]) else { return }
    }
  }

  func all<Value>(_ body: (PostgresRow) throws -> Value) throws -> [Value] {
    let result = try execute()
    return try (0..<result.count).map { try body(result[$0]) }
  }

  func first<Value>(_ body: (PostgresRow) throws -> Value) throws -> Value? {
    let result = try execute()
    return result.count == 0 ? nil : try body(result[0])
  }

  /// Sends what is bound and waits for the whole result.
  func execute() throws(PostgresFailure) -> PostgresResult {
    guard parameters.bytes.count <= ParameterBuffer.limit, parameters.count <= Self.maximumParameters else {
      throw PostgresFailure(.other, "the parameters of a statement are too large")
    }
    let name = try prepared()
    do throws(PostgresFailure) {
      return try send(name)
    } catch {
      // The server does not know it any more, or its tables changed: it is prepared anew next time.
      if error.state == "26000" || error.state == "0A000" { self.name = nil }
      throw error
    }
  }

  private func prepared() throws(PostgresFailure) -> String {
    if let name {
      let fits =
        types.count == parameters.count && zip(types, parameters.types).allSatisfy { $0 == $1 || $1 == 0 || $0 == 0 }
      guard fits else { throw PostgresFailure(.other, "a statement was bound with other types than before") }
      return name
    }
    let name = names.next()
    let types = parameters.types
    _ = try unsafe link.exchange { handle in
      unsafe types.withUnsafeBufferPointer { types in
        unsafe PQsendPrepare(handle, name, sql, CInt(types.count), types.baseAddress)
      }
    }
    self.name = name
    self.types = types
    return name
  }

  private func send(_ name: String) throws(PostgresFailure) -> PostgresResult {
    let parameters = parameters
    let lengths = parameters.lengths.map { CInt(clamping: max(0, $0)) }
    let formats = [CInt](repeating: 1, count: parameters.count)
    return try unsafe link.exchange { handle in
      unsafe parameters.bytes.withUnsafeBytes { bytes in
        // Any address but none stands for a value without bytes; none is NULL.
        let base = unsafe bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1)
        let values = unsafe (0..<parameters.count).map { index -> UnsafePointer<CChar>? in
          guard parameters.lengths[index] >= 0 else { return nil }
          return unsafe base.map { unsafe ($0 + parameters.offsets[index]).assumingMemoryBound(to: CChar.self) }
        }
        return unsafe PQsendQueryPrepared(
          handle, name, CInt(parameters.count), values, lengths, formats, 1)
      }
    }
  }
}
