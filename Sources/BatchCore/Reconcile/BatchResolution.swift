/// What an operator decides about a batch that may or may not exist at its provider.
public enum BatchResolution: Hashable, Sendable {
  /// It exists, under this id of the provider.
  case adopt(String)
  /// It does not exist: it is to be submitted again.
  case resubmit
  /// Nobody will know: its requests are answered without a result.
  case giveUp
}
