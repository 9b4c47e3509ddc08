/// What to do with the rows of a batch that its provider failed as a whole. None of them was executed.
public enum BatchDisposition: Hashable, Sendable {
  /// All of it again, later: it was refused for want of room, not for what is in it. `nil`: the usual back-off.
  case resubmitLater(Duration?)
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
