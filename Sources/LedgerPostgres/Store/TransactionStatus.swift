/// Where a session stands.
enum TransactionStatus {
  /// Outside a transaction.
  case idle
  case inTransaction
  /// In a transaction that can only be rolled back, to a savepoint or as a whole.
  case failed
  /// The connection is closed.
  case unknown
}
