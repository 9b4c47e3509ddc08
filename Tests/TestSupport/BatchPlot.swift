public import BatchCore

/// What a scripted provider makes of a batch.
public struct BatchPlot: Sendable {
  /// What becomes of a row.
  public enum RowEnd: Sendable {
    case succeeded
    /// A result with this meaning. It was executed only if it succeeded.
    case ended(Disposition)
    /// Executed and billed, with a result of this meaning that holds no answer: none at all where it succeeded.
    case empty(Disposition)
    /// In neither file, and not executed.
    case absent
    /// Executed and billed, and in neither file.
    case lost
  }

  public var end = BatchState.completed
  public var problems: [BatchSnapshot.Problem] = []
  /// How many polls find it running.
  public var runningPolls = 0
  /// How many polls find it over, but without files.
  public var fileLag = 0
  public var showsCounts = true
  /// Instead of the true ones.
  public var counts: BatchSnapshot.Counts?
  /// By the row's place in the input, from 0.
  public var row: @Sendable (Int, BatchRow) -> RowEnd = { _, _ in .succeeded }
  /// What a row that succeeds is answered, instead of the usual.
  public var answer: @Sendable (BatchRow) -> (body: [UInt8], usage: Usage?)? = { _ in nil }
  /// Names of results that belong to nobody.
  public var strangers: [String] = []
  /// How many of its rows have run when it is cancelled, and how many polls then find it not over yet.
  public var ranBeforeCancel = 0
  /// Whether its answers do not say what they used.
  public var omitsUsage = false
  public var cancelPolls = 1
  /// Whether a cancelled batch names the rows that did not run.
  public var namesCancelled = true
  /// How often each result stands in its file.
  public var copies = 1

  public init(_ change: (inout BatchPlot) -> Void = { _ in }) { change(&self) }

  /// Failed as a whole; nothing ran.
  public static func failed(_ code: String, _ message: String = "the batch failed", line: Int? = nil) -> BatchPlot {
    BatchPlot {
      $0.end = .failed
      $0.problems = [BatchSnapshot.Problem(code: code, message: message, line: line)]
      $0.row = { _, _ in .absent }
    }
  }
}
