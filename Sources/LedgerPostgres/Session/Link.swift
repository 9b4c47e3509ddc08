import BatchCore

/// A connection that is made when it is needed, and made again after it was lost, with the statements that live on it.
///
/// It belongs to one thread.
final class Link<Statements> {
  private let parameters: PostgresParameters
  private let setUp: String
  private let make: (PostgresConnection) throws -> Statements
  private var current: (connection: PostgresConnection, statements: Statements)?

  /// - Parameter lease: How long the server lets a transaction idle whose client is silent: it must not hold its rows
  ///   longer than its lease lasts.
  /// - Parameter nameEnding: What its sessions are called after the application's name.
  init(
    _ parameters: PostgresParameters, lease: Duration, nameEnding: String = "",
    make: @escaping (PostgresConnection) throws -> Statements
  ) {
    self.parameters = parameters
    self.make = make
    setUp = """
      SET search_path = millrace; SET default_transaction_isolation = 'read committed';
      SET default_transaction_read_only = off; SET synchronous_commit = on; SET client_min_messages = warning;
      SET idle_in_transaction_session_timeout = \(lease.wholeMilliseconds);
      SELECT set_config('application_name', left(current_setting('application_name'), 40) || '\(nameEnding)', false)
      """
  }

  /// Connects if there is no connection. Blocks.
  func open() throws -> (connection: PostgresConnection, statements: Statements) {
    if let current { return current }
    let connection = try PostgresConnection(parameters)
    do {
      try connection.simple(setUp)
      let opened = (connection: connection, statements: try make(connection))
      current = opened
      return opened
    } catch {
      connection.close()
      throw error
    }
  }

  /// The connection that there is.
  var connection: PostgresConnection? { current?.connection }

  /// Forgets the connection.
  func drop() {
    current?.connection.close()
    current = nil
  }

  deinit { drop() }
}
