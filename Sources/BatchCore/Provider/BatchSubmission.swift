/// What a provider needs to make a batch. The label travels as metadata and as the file's name, so that a batch whose
/// creation was not confirmed can be searched for.
public struct BatchSubmission: Sendable {
  /// Unique for each batch; `[A-Za-z0-9_-]`, at most 64 bytes.
  public var label: String
  public var endpoint: Endpoint
  /// The name of the model at this provider.
  public var model: String
  public var rowCount: Int
  /// The exact size of the input file in bytes, as `inputSize` of the provider adds it up.
  public var inputBytes: Int64

  public init(label: String, endpoint: Endpoint, model: String, rowCount: Int, inputBytes: Int64) {
    self.label = label
    self.endpoint = endpoint
    self.model = model
    self.rowCount = rowCount
    self.inputBytes = inputBytes
  }
}
