/// One line of a batch's output or error file.
public struct BatchResult: Hashable, Sendable {
  public var customID: String
  public var disposition: Disposition
  public var response: ProviderResponse?
  public var usage: Usage?
  /// One line for people; empty on success.
  public var message: String

  public init(
    customID: String, disposition: Disposition, response: ProviderResponse?, usage: Usage?, message: String
  ) {
    self.customID = customID
    self.disposition = disposition
    self.response = response
    self.usage = usage
    self.message = message
  }
}

/// The results of one file, read a chunk at a time.
public protocol BatchResultSource: Sendable {
  /// The next results, or `nil` when the file was read to its end. A cut file throws.
  func next() async throws(ProviderError) -> [BatchResult]?
  /// Lines so far that held no result that could be read.
  var unreadableLines: Int { get }
}
