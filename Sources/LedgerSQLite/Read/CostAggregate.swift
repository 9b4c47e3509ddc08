import GRDBSQLite
import Ledger
import LedgerRules

/// The SQL function `sum_costs`, which adds up the column `sums` of the table `cost`: exact where SQLite's own sums would
/// overflow.
enum CostAggregate {
  /// Once a connection.
  static func register(_ connection: OpaquePointer) throws(SQLiteFailure) {
    let code = sqlite3_create_function_v2(
      connection, "sum_costs", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nil, nil, step, final, nil)
    guard code == SQLITE_OK else { throw .current(of: connection) }
  }

  /// Where SQLite keeps what the rows of a group come to so far. Its memory is not aligned for wide numbers, so that they lie
  /// elsewhere.
  private typealias Place = UnsafeMutablePointer<UnsafeMutablePointer<CostSums>?>

  private static func place(_ context: OpaquePointer?, _ bytes: Int) -> Place? {
    sqlite3_aggregate_context(context, CInt(bytes))?.assumingMemoryBound(to: UnsafeMutablePointer<CostSums>?.self)
  }

  private static let step: @convention(c) (OpaquePointer?, CInt, UnsafeMutablePointer<OpaquePointer?>?) -> Void = {
    context, _, values in
    guard let place = place(context, MemoryLayout<UnsafeMutablePointer<CostSums>?>.size), let value = values?[0] else {
      return sqlite3_result_error_nomem(context)
    }
    let sums = place.pointee ?? .allocate(capacity: 1)
    if place.pointee == nil {
      sums.initialize(to: CostSums())
      place.pointee = sums
    }
    // The address first: asking for it may convert the value, and with it the size.
    let text = sqlite3_value_text(value)
    guard sums.pointee.add(text: UnsafeBufferPointer(start: text, count: Int(sqlite3_value_bytes(value)))) else {
      sqlite3_result_error(context, "a row holds no valid value for a day's costs", -1)
      return sqlite3_result_error_code(context, SQLITE_CORRUPT)
    }
  }

  private static let final: @convention(c) (OpaquePointer?) -> Void = { context in
    // Nothing where there was no row.
    guard let sums = place(context, 0)?.pointee else { return sqlite3_result_null(context) }
    sqlite3_result_text(context, sums.pointee.text, -1, Statement.copied)
    sums.deallocate()
  }
}
