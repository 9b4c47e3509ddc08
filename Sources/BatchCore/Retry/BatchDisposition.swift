/// What to do with the rows of a batch that its provider failed as a whole. None of them was executed.
public enum BatchDisposition: Hashable, Sendable {
  /// All of it again, later: it was refused for a fault of the provider's, not for what is in it.
  case resubmitLater
  /// All of it again when the account has room: its enqueued tokens are used up. The provider may have named the cap.
  case resubmitWithRoom(cap: Int64?)
  /// All of it again in smaller batches: it had too many rows. The provider may have named the limit.
  case tooManyRows(limit: Int64?)
  /// The same of its input file, which was too large.
  case tooManyBytes(limit: Int64?)
  /// Without these rows, named by their line in the input file from 1, ascending and unique; they
  /// are refused for this reason.
  case dropLines([Int], Failure)
  /// In two halves, to find the row that nobody named.
  case halve
  /// Every row in a batch of its own: it was halved often enough.
  case separate
  /// Nothing in it can succeed.
  case failAll(Failure)
  case accountClosed(AccountFault)
}
