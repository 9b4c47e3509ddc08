import BatchCore
import LedgerRules
import Wire

/// Columns as what the ledger keeps in them. What this program never writes is damage.
extension PostgresRow {
  func timestamp(_ column: Int) throws -> Timestamp { Timestamp(milliseconds: try integer(column)) }

  func optionalTimestamp(_ column: Int) throws -> Timestamp? {
    try optionalInteger(column).map { Timestamp(milliseconds: $0) }
  }

  func int(_ column: Int) throws -> Int { Int(try integer(column)) }

  func digest(_ column: Int) throws -> SHA256Digest {
    guard let digest = SHA256Digest(try bytes(column)) else { throw DamagedTables("a hash") }
    return digest
  }

  func ledgerID(_ column: Int) throws -> LedgerID {
    guard let id = LedgerID(bytes: try bytes(column)) else { throw DamagedTables("a ledger id") }
    return id
  }

  /// A body with the place of its model name.
  func body(_ column: Int, offset: Int, length: Int) throws -> RequestBody {
    let bytes = try bytes(column)
    let (start, count) = (try integer(offset), try integer(length))
    guard start >= 0, count >= 0, start <= bytes.count, count <= Int64(bytes.count) - start else {
      throw DamagedTables("the place of a model's name")
    }
    return RequestBody(bytes: bytes, modelRange: Int(start)..<Int(start + count))
  }

  func value<Value: RawRepresentable<UInt8>>(_ column: Int, _ type: Value.Type = Value.self) throws -> Value {
    guard let value = UInt8(exactly: try integer(column)).flatMap({ Value(rawValue: $0) }) else {
      throw DamagedTables("\(type)")
    }
    return value
  }
}
