import CPostgres

/// A session with a Postgres server.
///
/// It blocks the calling thread and belongs to it: whoever owns one gives it a thread of its own, never one of the
/// cooperative pool. After `connectionLost` it is closed, and so are its statements; a new one is made then.
final class PostgresConnection {
  private let link: PostgresLink
  private let names = StatementNames()
  private var statements: [String: PreparedStatement] = [:]

  /// Connects, logs in and sets up the session; blocks for at most the connect time-out per address.
  init(_ parameters: PostgresParameters) throws(PostgresFailure) {
    link = try parameters.connect()
    guard link.reported("server_encoding") == "UTF8" else {
      throw PostgresFailure(.unsuitable, "its encoding is \(link.reported("server_encoding") ?? "unknown"), not UTF8")
    }
    try simple(Self.setUp(parameters.statementTimeout))
  }

  /// The statement for a text, the same one whenever it is asked for.
  func prepare(_ sql: String) -> PreparedStatement {
    if let known = statements[sql] { return known }
    let statement = PreparedStatement(sql, link: link, names: names)
    statements[sql] = statement
    return statement
  }

  /// Runs commands without parameters, parted by `;`, in one transaction unless they say otherwise. Returns the last
  /// result, whose values are texts.
  @discardableResult
  func simple(_ commands: String) throws(PostgresFailure) -> PostgresResult {
    try unsafe link.exchange { unsafe PQsendQuery($0, commands) }
  }

  func close() { link.close() }

  /// Whether it was not closed, by us or by a failure. The other end may have gone without our knowing.
  var isOpen: Bool { link.isOpen }

  var transactionStatus: TransactionStatus { link.transactionStatus }

  /// Major and minor version as one number, 150020 for 15.20.
  var serverVersion: Int { link.serverVersion }

  private static func setUp(_ timeout: Duration) -> String {
    let milliseconds = max(
      1, timeout.components.seconds * 1000 + timeout.components.attoseconds / 1_000_000_000_000_000)
    // The server gives up before we do, so that no statement works on for nobody. A client that is frozen in a
    // transaction must not keep its locks. What we were told is committed must be on disk, whatever the database's own
    // default is. Compiling a plan costs more than any of our statements.
    return """
      SET statement_timeout = \(max(1, milliseconds * 9 / 10));
      SET idle_in_transaction_session_timeout = \(milliseconds);
      SET jit = off;
      SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
      """
  }
}
