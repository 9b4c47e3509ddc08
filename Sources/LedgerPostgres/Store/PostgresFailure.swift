/// What the server or libpq said when something failed, in one line without values.
struct PostgresFailure: Error {
  /// Five characters of the server; empty when it is libpq's own.
  var state: String
  var message: String

  init(state: String, message: String) {
    self.state = state
    // Messages of libpq have line breaks, and a hint after them.
    let words = message.split { $0 == "\n" || $0 == "\r" || $0 == "\t" || $0 == " " }
    self.message = words.joined(separator: " ")
  }

  static func connectionLost(_ message: String) -> PostgresFailure {
    PostgresFailure(state: "08006", message: message)
  }

  /// A value that does not have the shape that its column has.
  static func damaged(_ what: String) -> PostgresFailure { PostgresFailure(state: "XX001", message: what) }

  private var group: Substring { state.prefix(2) }

  /// The connection is of no use any more.
  var isConnectionLost: Bool { group == "08" || ["57P01", "57P02", "57P03", "57P05", "25P03"].contains(state) }

  /// The transaction lost against another and may go through the next time.
  var mayRetry: Bool { state == "40001" || state == "40P01" || state == "55P03" }

  /// Waiting may help: the server is starting or stopping, full, busy, or read-only for now.
  var isTransient: Bool { isConnectionLost || mayRetry || ["53", "57", "58"].contains(group) || state == "25006" }

  /// The role, the database or the tables are not as the configuration says.
  var concernsAccess: Bool {
    group == "28" || group == "3D" || group == "3F" || state == "42501" || state == "42P01" || state == "42703"
  }
}
