/// What a provider says of one of its batches. Everything but id and state may be missing.
public struct BatchSnapshot: Hashable, Sendable {
  /// A reason that the provider gives for failing the whole batch.
  public struct Problem: Hashable, Sendable {
    public var code: String
    public var message: String
    /// The input line it is about, from 1.
    public var line: Int?

    public init(code: String, message: String, line: Int?) {
      self.code = code
      self.message = message
      self.line = line
    }
  }

  public struct Counts: Hashable, Sendable {
    public var total: Int
    public var completed: Int
    public var failed: Int

    public init(total: Int, completed: Int, failed: Int) {
      self.total = total
      self.completed = completed
      self.failed = failed
    }
  }

  public var id: String
  public var state: BatchState
  /// Our label, if the provider gave it back.
  public var label: String?
  public var inputFileID: String?
  public var outputFileID: String?
  public var errorFileID: String?
  public var counts: Counts?
  /// What the provider reports of the whole batch.
  public var usage: Usage?
  public var problems: [Problem]
  public var createdAt: Timestamp?
  public var expiresAt: Timestamp?

  public init(id: String, state: BatchState) {
    self.id = id
    self.state = state
    problems = []
  }
}
