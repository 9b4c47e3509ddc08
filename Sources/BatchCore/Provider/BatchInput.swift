/// Where a create takes a batch's rows from.
public enum BatchInput: Sendable {
  /// An input file that was uploaded, by its id.
  case file(String)
  /// The rows themselves, read anew with each source.
  case rows(any BatchRows)

  /// The id of the input file, if there is one.
  public var fileID: String? {
    switch self {
    case .file(let id): id
    case .rows: nil
    }
  }
}

/// The rows of a batch, which may be read more than once.
public protocol BatchRows: Sendable {
  /// A source that begins with the first row.
  func source() -> any BatchRowSource
}
