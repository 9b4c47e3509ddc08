/// Why a batch whose create was not confirmed waits for an operator.
public enum ReconcileQuestion: Hashable, Sendable {
  /// The provider lists no batches that could be searched.
  case notSearchable
  /// Several batches carry the label, with these ids.
  case severalMatches([String])
  /// Its key is not configured, and with another key finding nothing means nothing.
  case anotherKey
}
