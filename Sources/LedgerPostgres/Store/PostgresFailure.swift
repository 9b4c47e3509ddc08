/// What Postgres, or the library that talks to it, said when a statement or a connection failed.
struct PostgresFailure: Error, Equatable {
  enum Kind: Equatable {
    /// The connection is gone, or could not be made. Whether a transaction that was being committed took effect is
    /// unknown.
    case connectionLost
    /// Two transactions stood in each other's way (serialization failure or deadlock): the loser may be run again.
    case conflict
    case uniqueViolation
    /// A foreign key, check or not-null constraint.
    case constraintViolation
    /// The server, or this transaction, does not write: a standby, or `default_transaction_read_only`.
    case readOnly
    case diskFull
    case tooManyConnections
    /// The server has too little memory or reached another of its limits.
    case outOfResources
    /// It could not read or write its files.
    case inputOutput
    /// A row or the database is damaged.
    case damaged
    /// User, password, certificate or `pg_hba.conf`.
    case authentication
    /// The user may not do this.
    case permission
    case missingDatabase
    case missingTable
    /// A database that cannot hold a ledger.
    case unsuitable
    case lockTimeout
    /// A statement ran for too long, or an operator cancelled it.
    case cancelled
    /// TLS could not be set up, or a certificate is not trusted.
    case tls
    /// The URL says something that cannot be.
    case configuration
    /// Everything else: a defect of ours.
    case other
  }

  var kind: Kind
  /// Five characters, empty where the failure is not the server's.
  var state: String
  /// One line. It holds no parameter of a statement and no password.
  var message: String

  init(_ kind: Kind, state: String = "", _ message: String) {
    self.kind = kind
    self.state = state
    self.message = message
  }

  /// Whether the same transaction may be run again at once.
  var mayBeRetried: Bool { kind == .conflict }

  /// Whether the store as a whole is in trouble, so that no other operation of the same transaction can succeed.
  var concernsStore: Bool {
    switch kind {
    case .uniqueViolation, .constraintViolation, .other: false
    default: true
    }
  }

  /// A value that this program never writes.
  static func damaged(_ what: String) -> PostgresFailure {
    PostgresFailure(.damaged, "a row holds no valid value for \(what)")
  }

  /// The connection was closed before, by us or after a failure.
  static var closed: PostgresFailure { PostgresFailure(.connectionLost, "the connection is closed") }
}
