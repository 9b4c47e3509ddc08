/// How the rows of a batch become the lines of its input file, where several rows share a line.
///
/// It is kept before the file is sent: whoever reads the results knows from it whose they are, whatever has become of the
/// rows meanwhile.
public struct BatchLines: Hashable, Sendable {
  /// A row of a line that it shares with others.
  public struct Member: Hashable, Sendable {
    public var id: RequestID
    /// How many inputs of the line are its own.
    public var inputs: Int
    /// Estimated input tokens.
    public var tokens: Int64

    public init(id: RequestID, inputs: Int, tokens: Int64) {
      self.id = id
      self.inputs = inputs
      self.tokens = tokens
    }
  }

  /// The lines that several rows share, each with its rows in the order of their inputs. For each of them the batch is the
  /// first attempt. Every other row of the batch has a line of its own.
  public var shared: [[Member]]
  /// Of all lines, and sums over them from which the exact size of the file follows.
  public var count: Int
  public var bodyBytes: Int64
  public var modelRangeBytes: Int64
  public var customIDBytes: Int64

  public init(
    shared: [[Member]] = [], count: Int = 0, bodyBytes: Int64 = 0, modelRangeBytes: Int64 = 0, customIDBytes: Int64 = 0
  ) {
    self.shared = shared
    self.count = count
    self.bodyBytes = bodyBytes
    self.modelRangeBytes = modelRangeBytes
    self.customIDBytes = customIDBytes
  }
}
