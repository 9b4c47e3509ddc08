/// What became of a batch, as the limits of its account need to know it.
public enum BatchLesson: Hashable, Sendable {
  /// It is over, and was not refused: its tokens are free.
  case ran
  /// It was refused for enqueued tokens; the provider may have named the cap. Its tokens are free.
  case refusedTokens(named: Int64?)
  /// The provider counted so many input tokens where so many had been estimated.
  case measured(reported: Int64, estimated: Int64)
  /// It had too many rows; the provider may have named the limit.
  case refusedRows(named: Int64?)
  /// Its input file of so many bytes was too large.
  case refusedBytes(Int64, named: Int64?)
  /// The create was refused for the number of creates, with a pause if one was named.
  case refusedCreate(pause: Duration?)
}
