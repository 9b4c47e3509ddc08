/// What group commit needs of the connection that writes.
package protocol CommitSession: AnyObject, SendableMetatype {
  /// Begins a transaction.
  func begin() throws
  /// When it returns, everything since `begin` is on disk; when it throws, nothing is.
  func commit() throws
  /// Leaves nothing of the transaction, if one is open.
  func rollBack()
  /// Whether the transaction lost against another and may go through the next time.
  func mayRetry(_ error: any Error) -> Bool
}
